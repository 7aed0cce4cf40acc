#pragma once

// Elementary functions over a Vec. Polynomials fitted at Chebyshev nodes; every step is one
// rounding in a fixed order, so a value does not depend on its neighbours.
namespace quire::cpu {

// Within 2 ulp; exactly 1 at 0; 0 below about -104, infinite above about 88.8.
template <class V>
inline typename V::Reg exp(typename V::Reg x) {
  using Reg = typename V::Reg;
  x = V::min(V::set1(89.0f), V::max(V::set1(-105.0f), x));
  const Reg n = V::round(V::mul(x, V::set1(1.44269504f)));
  // ln 2 in two parts; the first has so few bits that n times it is exact.
  Reg r = V::fma(n, V::set1(-0.693359375f), x);
  r = V::fma(n, V::set1(2.1219444005469057e-4f), r);
  Reg q = V::set1(0.0013926926767453551f);
  q = V::fma(q, r, V::set1(0.008363774046301842f));
  q = V::fma(q, r, V::set1(0.04166654869914055f));
  q = V::fma(q, r, V::set1(0.16666573286056519f));
  q = V::fma(q, r, V::set1(0.5f));
  q = V::fma(q, V::mul(r, r), r);
  return V::scale_by_power(V::add(q, V::set1(1.0f)), n);
}

// Within 3 ulp.
template <class V>
inline typename V::Reg tanh(typename V::Reg x) {
  using Reg = typename V::Reg;
  const Reg square = V::mul(x, x);
  Reg p = V::set1(-0.006096714176237583f);
  p = V::fma(p, square, V::set1(0.020997179672122f));
  p = V::fma(p, square, V::set1(-0.05385090783238411f));
  p = V::fma(p, square, V::set1(0.1333276927471161f));
  p = V::fma(p, square, V::set1(-0.333333283662796f));
  const Reg small = V::fma(V::mul(p, square), x, x);
  const Reg one = V::set1(1.0f);
  const Reg e = exp<V>(V::add(x, x));
  const Reg large = V::sub(one, V::div(V::set1(2.0f), V::add(e, one)));
  return V::select_less(square, V::set1(0.625f * 0.625f), small, large);
}

template <class V>
inline typename V::Reg softcap(
    typename V::Reg x, typename V::Reg cap, typename V::Reg inverse_cap
) {
  return V::mul(cap, tanh<V>(V::mul(x, inverse_cap)));
}

template <class V>
inline typename V::Reg silu(typename V::Reg x) {
  const auto one = V::set1(1.0f);
  return V::div(x, V::add(one, exp<V>(V::sub(V::zero(), x))));
}

// The tanh form: x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x³))).
template <class V>
inline typename V::Reg gelu_tanh(typename V::Reg x) {
  const auto cube = V::mul(V::mul(x, x), x);
  const auto inner = V::mul(V::set1(0.7978845608f), V::fma(V::set1(0.044715f), cube, x));
  const auto half = V::mul(V::set1(0.5f), x);
  return V::mul(half, V::add(V::set1(1.0f), tanh<V>(inner)));
}

}  // namespace quire::cpu
