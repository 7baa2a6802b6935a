#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <numbers>
#include <type_traits>

#include "autodiff/ops/simd.hpp"

// Elementary functions of a SIMD batch, where they beat xsimd's in speed or in exactness: argument
// reduction, then a minimax polynomial in the kernel's own precision (coefficients by Sollya's
// fpminimax, Brisebarre & Chevillard 2007). Infinities are as in IEEE 754; NaN comes through.
// Largest errors in units in the last place (tests/autodiff/math.cpp): exp, log 1.25, subnormal
// numbers included; softplus, tanh 2; cosine and sine 2.5; logistic 2.75, zero once exp(-x)
// overflows.
//
// Always inlined: a call would pass its batch through memory, at three times the cost of the whole.
namespace eqp::ad {
namespace simd {

inline constexpr bool kSingle = sizeof(Real) == 4;
using Word = std::conditional_t<kSingle, std::uint32_t, std::uint64_t>;
using Words = xsimd::batch<Word>;
inline constexpr int kMantissaBits = std::numeric_limits<Real>::digits - 1;
inline constexpr Word kOne = kSingle ? Word(0x3f800000u) : Word(0x3ff0000000000000u);
inline constexpr Word kSqrtHalf = kSingle ? Word(0x3f3504f3u) : Word(0x3fe6a09e667f3bcdu);
inline constexpr Word kMantissa = (Word(1) << kMantissaBits) - 1;

[[gnu::always_inline]] inline Words bits(Batch x) { return xsimd::bitwise_cast<Words>(x); }
[[gnu::always_inline]] inline Batch real(Words n) { return xsimd::bitwise_cast<Batch>(n); }

/// The constant of the present precision.
[[gnu::always_inline]] inline Batch constant(double single, double twice) {
  return Batch(Real(kSingle ? single : twice));
}

/// c[0] + c[1] x + c[2] x^2 + ..., pair by pair (Estrin 1960): half of Horner's chain of products
/// that wait for each other, which is what bounds these kernels.
template <std::size_t n>
[[gnu::always_inline]] inline Batch estrin(Batch x, const std::array<Batch, n>& c) {
  if constexpr (n == 1) {
    return c[0];
  } else {
    std::array<Batch, (n + 1) / 2> pairs;
    for (std::size_t i = 0; i < n / 2; ++i) pairs[i] = xsimd::fma(c[2 * i + 1], x, c[2 * i]);
    if constexpr (n % 2 == 1) pairs.back() = c.back();
    return estrin(x * x, pairs);
  }
}
template <class... C>
[[gnu::always_inline]] inline Batch polynomial(Batch x, C... c) {
  return estrin(x, std::array<Batch, sizeof...(C)>{Batch(Real(c))...});
}

// Of a NaN and a number, min and max give their second argument (SSE, AVX) or NaN (NEON).
[[gnu::always_inline]] inline Batch at_most(Real high, Batch x) {
  return xsimd::min(Batch(high), x);
}
[[gnu::always_inline]] inline Batch at_least(Real low, Batch x) {
  return xsimd::max(Batch(low), x);
}

/// A whole number, |k| < 2^21, as a value and in the low bits of a word.
struct Whole {
  Batch value;
  Words word;
};
/// x y rounded to a whole number. Adding 1.5 2^p, p the mantissa's bits, leaves the fraction out.
[[gnu::always_inline]] inline Whole nearest(Batch x, Batch y) {
  const Batch shift = constant(0x1.8p23, 0x1.8p52), shifted = xsimd::fma(x, y, shift);
  return {shifted - shift, bits(shifted)};
}
/// 2^k for a k whose result is a normal number.
[[gnu::always_inline]] inline Batch power_of_two(Whole k) {
  return real((k.word << kMantissaBits) + Words(kOne));
}

/// y 2^k rounded once, to a subnormal number, zero or infinity too; 1/4 < y < 4.
template <class A>
[[gnu::always_inline]] inline xsimd::batch<Real, A> scaled(xsimd::batch<Real, A> y, Whole k) {
  if constexpr (std::is_base_of_v<xsimd::avx512f, A>) {
    return [](auto v, auto e) {
      if constexpr (kSingle) {
        return _mm512_scalef_ps(v, e);
      } else {
        return _mm512_scalef_pd(v, e);
      }
    }(y.data, k.value.data);
  } else {
    // In two halves: the first product is exact.
    const Whole half = nearest(k.value, Batch(Real(0.5)));
    const Whole rest = nearest(k.value - half.value, Batch(Real(1)));
    return y * power_of_two(half) * power_of_two(rest);
  }
}

// ln 2 in two parts: the high one times a whole number of the exponent's range is exact.
inline constexpr Real kLn2High = kSingle ? Real(0x1.63p-1) : Real(0x1.62e42feep-1);
inline constexpr Real kLn2Low = kSingle ? Real(-0x1.bd0106p-13) : Real(0x1.a39ef35793c76p-33);

/// x = k ln 2 + r with |r| < 0.3467.
struct Reduced {
  Whole k;
  Batch r;
};
[[gnu::always_inline]] inline Reduced reduced(Batch x) {
  const Whole k = nearest(x, Batch(Real(std::numbers::log2e)));
  const Batch r = xsimd::fnma(k.value, Batch(kLn2High), x);
  return {k, xsimd::fnma(k.value, Batch(kLn2Low), r)};
}
/// (exp(r) - 1 - r) / r^2.
[[gnu::always_inline]] inline Batch exp_remainder(Batch r) {
  if constexpr (kSingle) {
    return polynomial(r, 0x1p-1, 0x1.5554dcp-3, 0x1.5554e8p-5, 0x1.120c38p-7, 0x1.6d4e78p-10);
  } else {
    return polynomial(r, 0x1.0000000000001p-1, 0x1.5555555555558p-3, 0x1.5555555553cb8p-5,
                      0x1.111111110f8cbp-7, 0x1.6c16c178bac58p-10, 0x1.a01a01afc2249p-13,
                      0x1.a019b877dd29fp-16, 0x1.71ddf762c3ce8p-19, 0x1.289221116d37bp-22,
                      0x1.af620c5ddb50cp-26);
  }
}

/// log(1 + f) + rest for sqrt(1/2) <= 1 + f <= sqrt(2) and a small rest (as in fdlibm, Sun 1993).
[[gnu::always_inline]] inline Batch log_near_one(Batch f, Batch rest) {
  const Batch half = Batch(Real(0.5)) * f * f;
  if constexpr (kSingle) {
    const Batch p =
        polynomial(f, 0x1.555554p-2, -0x1.ffffe6p-3, 0x1.999d2ap-3, -0x1.556288p-3, 0x1.23de4p-3,
                   -0x1.fbbf2ep-4, 0x1.dc75eap-4, -0x1.ddb2dp-4, 0x1.2cb406p-4);
    return f + (xsimd::fma(f * f * f, p, rest) - half);
  } else {
    const Batch s = f / (Batch(Real(2)) + f), z = s * s;
    const Batch p = z * polynomial(z, 0x1.5555555555558p-1, 0x1.99999999952c1p-2,
                                   0x1.2492492dfa853p-2, 0x1.c71c62d7ca7ddp-3, 0x1.7462b8b3b0cc1p-3,
                                   0x1.39fddafaa3781p-3, 0x1.2b5e9b5ad1692p-3);
    return f + (xsimd::fma(s, half + p, rest) - half);
  }
}

/// log(x) + shift ln 2 of a positive normal x.
[[gnu::always_inline]] inline Batch log_normal(Batch x, Batch shift = Batch(Real(0))) {
  const Words n = bits(x) + Words(Word(kOne - kSqrtHalf));
  const Batch f = real((n & Words(kMantissa)) + Words(kSqrtHalf)) - Batch(Real(1));
  // An exponent in the low bits of 2^p is the number 2^p + exponent.
  const Batch unit = constant(0x1p23, 0x1p52);
  const Batch biased = real((n >> kMantissaBits) | bits(unit)) - unit;
  const Batch k = biased + (shift - constant(127, 1023));
  return xsimd::fma(k, Batch(kLn2High), log_near_one(f, k * Batch(kLn2Low)));
}

}  // namespace simd

[[gnu::always_inline]] inline Batch exp_of(Batch x) {
  // Beyond these bounds the result is infinite or zero whatever x.
  const Batch bounded = simd::at_least(simd::kSingle ? Real(-104) : Real(-746),
                                       simd::at_most(simd::kSingle ? Real(89) : Real(710), x));
  const simd::Reduced a = simd::reduced(bounded);
  const Batch one(Real(1)), slope = xsimd::fma(simd::exp_remainder(a.r), a.r, one);
  return simd::scaled(xsimd::fma(slope, a.r, one), a.k);
}

/// 1 / (1 + exp(-x)).
[[gnu::always_inline]] inline Batch logistic_of(Batch x) {
  return Batch(Real(1)) / (Batch(Real(1)) + exp_of(-x));
}

/// log(1 + exp(x)).
[[gnu::always_inline]] inline Batch softplus_of(Batch x) {
  const Batch zero(Real(0)), one(Real(1)), t = exp_of(-xsimd::abs(x));
  // 1 + t, or half of it, between sqrt(1/2) and sqrt(2).
  const Mask big = t > Batch(Real(std::numbers::sqrt2 - 1));
  const Batch f = xsimd::select(big, Batch(Real(0.5)) * (t - one), t);
  const Batch high = xsimd::select(big, Batch(simd::kLn2High), zero);
  const Batch low = xsimd::select(big, Batch(simd::kLn2Low), zero);
  // select, not max: a NaN must come through.
  return xsimd::select(x < zero, zero, x) + (high + simd::log_near_one(f, low));
}

[[gnu::always_inline]] inline Batch tanh_of(Batch x) {
  const Batch a = simd::at_most(simd::kSingle ? Real(10) : Real(20), xsimd::abs(x)), z = a * a;
  // 1 - 2 / (1 + exp(2 |x|)), which cancels where x is small.
  const simd::Reduced e = simd::reduced(Batch(Real(-2)) * a);
  const Batch one(Real(1)), slope = xsimd::fma(simd::exp_remainder(e.r), e.r, one);
  const Batch t = simd::power_of_two(e.k) * xsimd::fma(slope, e.r, one);
  const Batch far = one - (t + t) / (one + t);
  Batch p;
  if constexpr (simd::kSingle) {
    p = simd::polynomial(z, -0x1.555554p-2, 0x1.110fa8p-3, -0x1.b98ebap-5, 0x1.5c59b8p-6,
                         -0x1.ab94bp-8);
  } else {
    p = simd::polynomial(z, -0x1.5555555555555p-2, 0x1.1111111110f94p-3, -0x1.ba1ba1b9ef62fp-5,
                         0x1.664f48720e0cep-6, -0x1.226e3215be7b3p-7, 0x1.d6d30e2d9358cp-9,
                         -0x1.7d9538a39c7b1p-10, 0x1.34aceafd8a83ap-11, -0x1.eaf30f4f6c59dp-13,
                         0x1.616e4e45b3b58p-14, -0x1.50031d7b799cdp-16);
  }
  const Batch near = xsimd::fma(a * z, p, a);
  // A NaN is not below the bound, and comes through the far side.
  return xsimd::bitofsign(x) ^ xsimd::select(a < Batch(Real(0.5625)), near, far);
}

[[gnu::always_inline]] inline Batch log_of(Batch x) {
  using Limits = std::numeric_limits<Real>;
  const Batch zero(Real(0)), infinity(Limits::infinity());
  const Mask tiny = x < Batch(Limits::min());
  const Batch y = simd::log_normal(xsimd::select(tiny, x * Batch(Real(0x1p54)), x),
                                   xsimd::select(tiny, Batch(Real(-54)), zero));
  const Batch outside = xsimd::select(x < zero, Batch(Limits::quiet_NaN()), x);
  return xsimd::select((x > zero) & (x < infinity), y,
                       xsimd::select(x == zero, -infinity, outside));
}

/// cos and sin of 2 pi t for |t| <= 1/2.
struct CosSin {
  Batch cos, sin;
};
[[gnu::always_inline]] inline CosSin cos_sin_turns(Batch t) {
  const simd::Whole quarter = simd::nearest(t, Batch(Real(4)));
  const Batch f = xsimd::fnma(quarter.value, Batch(Real(0.25)), t), z = f * f;
  Batch c, s;
  if constexpr (simd::kSingle) {
    s = f * simd::polynomial(z, 0x1.921fb6p2, -0x1.4abbecp5, 0x1.466b2p6, -0x1.2f598cp6);
    c = simd::polynomial(z, 1, -0x1.3bd3ccp4, 0x1.03c19ep6, -0x1.55a5bp6, 0x1.d09352p5);
  } else {
    s = f * simd::polynomial(z, 0x1.921fb54442d18p2, -0x1.4abbce625be09p5, 0x1.466bc67754fffp6,
                             -0x1.32d2ccdfe940ep6, 0x1.50782d5f11586p5, -0x1.e2fe76f95eed3p3,
                             0x1.e357ed6d8d31p1);
    c = simd::polynomial(z, 1, -0x1.3bd3cc9be45dep4, 0x1.03c1f081b5a23p6, -0x1.55d3c7e3b7786p6,
                         0x1.e1f50664cdab3p5, -0x1.a6d1d2d75f732p4, 0x1.f9b7a6360392bp2,
                         -0x1.ac081da6bf0fbp0);
  }
  // Quarter turns swap the two and turn their signs: sine's in quarters 2, 3, cosine's in 1, 2.
  using simd::Word, simd::Words;
  const Words n = quarter.word, one(Word(1)), two(Word(2));
  const auto sign = [&](Words q) { return simd::real((q & two) << int(8 * sizeof(Real) - 2)); };
  const Mask odd = simd::real((n & one) + Words(simd::kOne)) != Batch(Real(1));
  return {xsimd::select(odd, s, c) ^ sign(n + one), xsimd::select(odd, c, s) ^ sign(n)};
}

}  // namespace eqp::ad
