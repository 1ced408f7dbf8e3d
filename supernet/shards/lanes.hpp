#pragma once
// Sixteen values at a time, in vectors that compilers cut to the width of the machine: sums keep
// their order, and so their bits, whatever that width is. Values are kept as float, double or
// bfloat16; one computes with float or double.
#include <cstdint>
#include <cstring>

namespace nas {

/// The upper half of a float, as LibTorch keeps it.
struct Bf16 {
  uint16_t bits;
};

namespace lanes {

/// Into functions that are compiled for several instruction sets goes nothing but what is inlined.
#define NAS_INLINE [[gnu::always_inline]] inline
/// Of a lambda, behind its parameters.
#define NAS_INLINED __attribute__((always_inline))

constexpr int kLanes = 16;

template <typename S>
struct Of {
  using Number = S;
};
template <>
struct Of<Bf16> {
  using Number = float;
};
/// What one computes with.
template <typename S>
using Number = typename Of<S>::Number;

template <typename T>
struct VectorOf {
  typedef T type __attribute__((vector_size(kLanes * sizeof(T)), may_alias));
};
template <typename T>
using Vector = typename VectorOf<T>::type;

// Vectors go by reference: how they are passed by value depends on the instruction set.

NAS_INLINE void load(const float* from, Vector<float>& v) {
  std::memcpy(&v, from, sizeof v);
}
NAS_INLINE void load(const double* from, Vector<double>& v) {
  std::memcpy(&v, from, sizeof v);
}
NAS_INLINE void load(const Bf16* from, Vector<float>& v) {
  Vector<uint16_t> half;
  std::memcpy(&half, from, sizeof half);
  const Vector<uint32_t> wide = __builtin_convertvector(half, Vector<uint32_t>) << 16;
  std::memcpy(&v, &wide, sizeof v);
}

NAS_INLINE void store(const Vector<float>& v, float* to) {
  std::memcpy(to, &v, sizeof v);
}
NAS_INLINE void store(const Vector<double>& v, double* to) {
  std::memcpy(to, &v, sizeof v);
}
/// To the nearest, ties to even; not a number stays one.
NAS_INLINE void store(const Vector<float>& v, Bf16* to) {
  Vector<uint32_t> bits;
  std::memcpy(&bits, &v, sizeof bits);
  Vector<uint32_t> rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
  rounded = (bits & 0x7fffffffU) > 0x7f800000U ? (bits >> 16) | 0x40U : rounded;
  const Vector<uint16_t> half = __builtin_convertvector(rounded, Vector<uint16_t>);
  std::memcpy(to, &half, sizeof half);
}

/// The first n (less than kLanes) values; the other lanes are 0.
template <typename S>
NAS_INLINE void load_some(const S* from, int n, Vector<Number<S>>& v) {
  S values[kLanes] = {};
  for (int j = 0; j < n; ++j) values[j] = from[j];
  load(values, v);
}
template <typename S>
NAS_INLINE void store_some(const Vector<Number<S>>& v, int n, S* to) {
  S values[kLanes];
  store(v, values);
  for (int j = 0; j < n; ++j) to[j] = values[j];
}

/// Whether all lanes are used, known when a loop is compiled; else the first n.
struct Whole {
  template <typename S>
  NAS_INLINE static void get(const S* from, int, Vector<Number<S>>& v) {
    load(from, v);
  }
  template <typename S>
  NAS_INLINE static void put(const Vector<Number<S>>& v, int, S* to) {
    store(v, to);
  }
};
struct Some {
  template <typename S>
  NAS_INLINE static void get(const S* from, int n, Vector<Number<S>>& v) {
    load_some(from, n, v);
  }
  template <typename S>
  NAS_INLINE static void put(const Vector<Number<S>>& v, int n, S* to) {
    store_some(v, n, to);
  }
};

}  // namespace lanes
}  // namespace nas
