// Numbers that look random and are the same in every run, and decks that deal every value before they repeat one.
#pragma once
#include <stdint.h>

#include <utility>
#include <vector>

#include "source/operations.h"

namespace headpool::test {

/// SplitMix64 (Steele, Lea & Flood, 2014).
class Random {
  uint64_t state;

 public:
  explicit Random(uint64_t seed) : state(seed) {}

  uint64_t next() {
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// An integer from 0 to count - 1.
  Index below(Index count) { return static_cast<Index>(next() % static_cast<uint64_t>(count)); }
  /// True once in `times`.
  bool once(Index times) { return below(times) == 0; }
  /// From -1 to 1.
  float number() { return static_cast<float>(static_cast<double>(next() >> 11) / (1ll << 52) - 1.0); }
};

/// Deals its values in a random order, all of them before any comes again.
class Deck {
  Random& random;
  std::vector<Index> values;
  size_t dealt = 0;

 public:
  Deck(Random& source, std::vector<Index> cards) : random(source), values(std::move(cards)) {}

  Index deal() {
    if (dealt == values.size()) dealt = 0;
    const size_t other = dealt + static_cast<size_t>(random.below(static_cast<Index>(values.size() - dealt)));
    std::swap(values[dealt], values[other]);
    return values[dealt++];
  }
};

/// from, from + 1, ... to
inline std::vector<Index> range(Index from, Index to) {
  std::vector<Index> values;
  for (Index n = from; n <= to; n++) values.push_back(n);
  return values;
}

}  // namespace headpool::test
