#include "engine/fft/plan.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <cstddef>
#include <limits>
#include <numbers>
#include <utility>
#include <vector>

namespace flashphase::fft {
namespace {

struct Butterfly {
  int radix;
  double cost;  ///< of a pass for each element, that of radix 8 = 1
};
// Fitted to which plans of 96 ... 400 and primes of 53 ... 127 are the fastest in loops on AVX2. Radices 10
// and 12 are in none of them: 16 registers do not hold their elements.
constexpr Butterfly kButterflies[] = {{8, 1.0}, {7, 1.2}, {6, 0.94}, {5, 0.88}, {4, 0.7}, {3, 0.7}, {2, 0.7}};
constexpr double kChirpCost = 0.6;  // the multiplications by chirps, for each element of the convolution

/// A prime without a butterfly.
double sum_cost(int prime) {
  return 2.0 + 0.13 * prime;
}

struct Choice {
  double cost = 0;  ///< of all passes for each element
  std::vector<int> radices;
};

/// The cheapest butterflies whose product is n, falling, none above `largest`.
Choice cheapest(int n, int largest) {
  if (n == 1) return {};
  Choice best{std::numeric_limits<double>::infinity(), {}};
  for (const Butterfly& butterfly : kButterflies) {
    if (butterfly.radix > largest || n % butterfly.radix != 0) continue;
    Choice rest = cheapest(n / butterfly.radix, butterfly.radix);
    if (rest.cost + butterfly.cost >= best.cost) continue;
    best.cost = rest.cost + butterfly.cost;
    best.radices = {butterfly.radix};
    best.radices.insert(best.radices.end(), rest.radices.begin(), rest.radices.end());
  }
  return best;
}

Choice cheapest(int n) {
  Choice sums;
  int rest = n;
  for (const int prime : {2, 3, 5, 7})
    while (rest % prime == 0) rest /= prime;
  n /= rest;
  for (int prime = 11; rest > 1; ++prime) {
    for (; rest % prime == 0; rest /= prime) {
      sums.radices.push_back(prime);
      sums.cost += sum_cost(prime);
    }
  }
  const Choice butterflies = cheapest(n, kButterflies[0].radix);
  sums.cost += butterflies.cost;
  sums.radices.insert(sums.radices.end(), butterflies.radices.begin(), butterflies.radices.end());
  return sums;
}

bool is_smooth(int n) {
  for (const int prime : {2, 3, 5, 7})
    while (n % prime == 0) n /= prime;
  return n == 1;
}

void put_root(double numerator, double denominator, float* to) {
  const double angle = -2 * std::numbers::pi * numerator / denominator;
  to[0] = static_cast<float>(std::cos(angle));
  to[1] = static_cast<float>(std::sin(angle));
}

std::size_t table_size(const Pass& pass) {
  return 2 * static_cast<std::size_t>(pass.groups * (pass.radix - 1) + pass.radix);
}

void fill(const Pass& pass, float* twiddles, float* roots) {
  for (int p = 0; p < pass.groups; ++p)
    for (int k = 1; k < pass.radix; ++k, twiddles += 2) put_root(p * k, pass.groups * pass.radix, twiddles);
  for (int k = 0; k < pass.radix; ++k) put_root(-k, pass.radix, roots + 2 * k);
}

}  // namespace

Plan::Plan(const Recipe& recipe, Order order) : count(recipe.passes) {
  int rest = 1, interleaved = 1;
  for (int i = 0; i < count; ++i) rest *= recipe.radices[i];
  std::size_t floats = 0;
  for (int i = 0; i < count; ++i) {
    const int radix = recipe.radices[order == Order::forwards ? i : count - 1 - i];
    rest /= radix;
    passes[i] = {radix, interleaved, rest};
    interleaved *= radix;
    floats += table_size(passes[i]);
  }
  tables_ = AlignedFloats(floats);
  float* table = tables_.data();
  for (int i = 0; i < count; ++i) {
    float* const roots = table + table_size(passes[i]) - 2 * passes[i].radix;
    fill(passes[i], table, roots);
    passes[i].twiddles = table;
    passes[i].roots = roots;
    table += table_size(passes[i]);
  }
}

Plan::~Plan() = default;

Recipe recipe_for(int m) {
  Choice best = cheapest(m);
  int convolution = 0;
  double cost = best.cost * m;
  const int shortest = is_smooth(m) ? std::numeric_limits<int>::max() : 2 * m - 1;
  for (int n = shortest; n < 3 * m; ++n) {
    if (!is_smooth(n)) continue;
    Choice passes = cheapest(n);
    const double whole = n * (2 * passes.cost + kChirpCost);
    if (whole >= cost) continue;
    cost = whole;
    convolution = n;
    best = std::move(passes);
  }
  Recipe recipe{.passes = static_cast<int>(best.radices.size()), .convolution = convolution};
  std::ranges::copy(best.radices, recipe.radices);
  return recipe;
}

Chirp::Chirp(int m, int convolution)
    : chirp(2 * static_cast<std::size_t>(m)), filter(2 * static_cast<std::size_t>(convolution)) {
  const auto length = static_cast<std::size_t>(m), whole = static_cast<std::size_t>(convolution);
  std::vector<std::complex<double>> wave(whole);
  for (std::size_t k = 0; k < length; ++k) {
    const auto square =
        static_cast<double>(k * k % (2 * length));  // reduced first: large k keep their precision
    const auto value = std::polar(1.0, -std::numbers::pi * square / static_cast<double>(m));
    chirp[2 * k] = static_cast<float>(value.real());
    chirp[2 * k + 1] = static_cast<float>(value.imag());
    wave[k] = std::conj(value);
    if (k > 0) wave[whole - k] = std::conj(value);
  }
  std::vector<std::complex<double>> roots(whole);
  for (std::size_t k = 0; k < whole; ++k)
    roots[k] = std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(whole));
  for (std::size_t k = 0; k < whole; ++k) {
    std::complex<double> sum = 0;
    for (std::size_t i = 0; i < whole; ++i) sum += wave[i] * roots[i * k % whole];
    filter[2 * k] = static_cast<float>(sum.real() / static_cast<double>(whole));
    filter[2 * k + 1] = static_cast<float>(sum.imag() / static_cast<double>(whole));
  }
}

Chirp::~Chirp() = default;

int padded_stride(int m) {
  const int whole = (m + 15) / 16 * 16;
  return whole % 128 == 0 ? whole + 16 : whole;
}

std::string kernel_name(const char* instruction_set, int m) {
  const Recipe recipe = recipe_for(m);
  std::string name = instruction_set;
  if (recipe.convolution > 0) return name + " bluestein " + std::to_string(recipe.convolution);
  name += " radix ";
  for (int i = 0; i < recipe.passes; ++i) {
    if (i > 0) name += 'x';
    name += std::to_string(recipe.radices[i]);
  }
  return name;
}

}  // namespace flashphase::fft
