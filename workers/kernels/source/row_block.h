// A block of query rows in the lanes: which row a lane holds, where it stands, and what it may attend as far as
// positions tell.
#pragma once
#include "key_tiles.h"

namespace headpool {
namespace {

template <class Target>
struct RowBlock {
  static constexpr int L = Target::lanes;
  static constexpr int blockRows = Target::blockRows;
  static_assert(blockRows % L == 0, "a block is made of whole vectors");

  const Attention& a;
  const Index firstRow;  // of the block
  const Index rows;      // of the block
  const Index lanes;     // rows rounded up to whole vectors; the lanes past `rows` repeat the last row

  int* const query;     // [blockRows], of the row; divisions are slow
  int* const member;    // [blockRows]
  int* const position;  // [blockRows], of the row on the diagonal
  int* const first;     // [blockRows], the keys that a row may attend: first <= j < end
  int* const end;       // [blockRows]
  int* const attended;  // [blockRows], -1 once a row has attended a key

  static constexpr Index spaceFloats = 6 * blockRows;

  RowBlock(const Attention& attention, Index row, Index rowCount, float* space)
      : a(attention),
        firstRow(row),
        rows(rowCount),
        lanes((rowCount + L - 1) / L * L),
        query(reinterpret_cast<int*>(space)),
        member(query + blockRows),
        position(member + blockRows),
        first(position + blockRows),
        end(first + blockRows),
        attended(end + blockRows) {
    for (Index lane = 0; lane < lanes; lane++) {
      const Index r = firstRow + (lane < rows ? lane : rows - 1), i = r / a.group;
      query[lane] = static_cast<int>(i);
      member[lane] = static_cast<int>(r - i * a.group);
      const KeyRange range = keysOf(a, i);
      position[lane] = static_cast<int>(i + a.position);
      first[lane] = static_cast<int>(range.first);
      end[lane] = static_cast<int>(range.end);
      attended[lane] = 0;
    }
  }

  Index queryOf(Index lane) const { return query[lane]; }
  Index memberOf(Index lane) const { return member[lane]; }

  /// The row of an operand for a lane.
  template <class T>
  T* rowOf(const Strided<T>& operand, Index lane) const {
    return operand.row(member[lane], query[lane]);
  }

  Index firstQuery() const { return firstRow / a.group; }
  Index lastQuery() const { return (firstRow + rows - 1) / a.group; }

  /// |position of the row - j| of L lanes, for key j of the sequence.
  Floats<L> distanceTo(Index j, Index lane) const {
    return magnitude<L>(load<L>(position + lane) - static_cast<int>(j));
  }
};

}  // namespace
}  // namespace headpool
