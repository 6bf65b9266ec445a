// Keys or values as an Attention stores them: 32 or 16 bits a number, one row behind the other or in pages. Guarded as
// closely as the rows lie: behind the last row of the last page nothing may be read.
#pragma once
#include <memory>

#include "guarded.h"
#include "halves.h"

namespace headpool::test {

/// The element at which row j of keys or values starts.
inline Index startOfRow(const Attention& a, Index j, Index stride) {
  if (!a.pages.table) return j * stride;
  return a.pages.table[j / a.pages.pageKeys] * a.pages.stride + j % a.pages.pageKeys * stride;
}

/// A number of keys or values, as float32.
inline float readStored(const Attention& a, const void* data, Index n) {
  if (a.storage == float32) return static_cast<const float*>(data)[n];
  return decodeHalf(a.storage, static_cast<const unsigned short*>(data)[n]);
}

class StoredRows {
  const Attention& a;
  const Index stride;
  std::unique_ptr<Guarded<float>> floats;
  std::unique_ptr<Guarded<unsigned short>> halves;

 public:
  /// Room for the keys of `attention`, whose storage and pages are known by now.
  StoredRows(const Attention& attention, Index columns, Index rowStride, Side side) : a(attention), stride(rowStride) {
    Index end = 0;
    for (Index j = 0; j < a.keys; j++) {
      const Index endOfRow = startOfRow(a, j, stride) + columns;
      end = endOfRow > end ? endOfRow : end;
    }
    if (a.storage == float32) {
      floats = std::make_unique<Guarded<float>>(end, side);
    } else {
      halves = std::make_unique<Guarded<unsigned short>>(end, side);
    }
  }

  const void* data() const { return floats ? static_cast<const void*>(floats->data()) : halves->data(); }

  /// Stores a number, rounded to what 16 bits hold.
  void set(Index j, Index d, float number) const {
    const Index n = startOfRow(a, j, stride) + d;
    if (floats) {
      (*floats)[n] = number;
    } else {
      (*halves)[n] = encodeHalf(a.storage, number);
    }
  }
};

}  // namespace headpool::test
