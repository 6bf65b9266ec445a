// Tensors in pages of their own, with a page that nobody may touch directly behind the last element or directly in
// front of the first: one element too many ends the program, whatever instruction reads it.
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "source/operations.h"

#if defined(HEADPOOL_SANITIZED)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

namespace headpool::test {

enum class Side { behind, before };

/// What lies in all elements that nobody has set, and in the rest of the pages: a NaN, which shows where it is used.
/// Both halves are NaNs of 16 bits too.
constexpr uint32_t canary = 0x7fc57fc5;

template <class T>
class Guarded {
  unsigned char* pages = nullptr;
  size_t size = 0;    // of all pages, the guards included
  size_t usable = 0;  // of those between the guards
  T* first = nullptr;
  size_t length = 0;

 public:
  Guarded(Index count, Side side) : length(static_cast<size_t>(count)) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t bytes = length * sizeof(T);
    usable = (bytes / page + 1) * page;
    size = usable + 2 * page;
    void* const mapped = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANON, -1, 0);
    if (mapped == MAP_FAILED) fail("mmap");
    pages = static_cast<unsigned char*>(mapped);
    unsigned char* const from = pages + page;
    if (mprotect(from, usable, PROT_READ | PROT_WRITE) != 0) fail("mprotect");
    for (size_t n = 0; n < usable; n += sizeof canary) memcpy(from + n, &canary, sizeof canary);
    first = reinterpret_cast<T*>(side == Side::behind ? from + usable - bytes : from);
    // The side without a guard is left to AddressSanitizer, which knows whole granules of 8 bytes.
    unsigned char* const begin = reinterpret_cast<unsigned char*>(first);
    ASAN_POISON_MEMORY_REGION(from, static_cast<size_t>(begin - from) / 8 * 8);
    ASAN_POISON_MEMORY_REGION(begin + (bytes + 7) / 8 * 8, side == Side::before ? usable - (bytes + 7) / 8 * 8 : 0);
  }
  ~Guarded() {
    ASAN_UNPOISON_MEMORY_REGION(pages, size);
    munmap(pages, size);
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  T* data() const { return first; }
  T* begin() const { return first; }
  T* end() const { return first + length; }
  Index count() const { return static_cast<Index>(length); }
  T& operator[](Index n) const { return first[n]; }

  /// Puts the canary back into an element.
  void forget(Index n) const {
    for (size_t byte = 0; byte < sizeof(T); byte++) bytesOf(n)[byte] = canaryAt(bytesOf(n) + byte);
  }

  /// Whether everything holds the canary but the elements that were forgotten or never set.
  __attribute__((no_sanitize("address"))) bool isUntouched() const {
    const unsigned char* const from = pages + (size - usable) / 2;
    for (const unsigned char* at = from; at < from + usable; at++)
      if (*at != canaryAt(at)) return false;
    return true;
  }

 private:
  unsigned char* bytesOf(Index n) const { return reinterpret_cast<unsigned char*>(first + n); }

  static unsigned char canaryAt(const unsigned char* address) {
    unsigned char bytes[sizeof canary];
    memcpy(bytes, &canary, sizeof canary);
    return bytes[reinterpret_cast<uintptr_t>(address) % sizeof canary];
  }

  [[noreturn]] static void fail(const char* what) {
    perror(what);
    exit(1);
  }
};

}  // namespace headpool::test
