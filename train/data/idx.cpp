#include "train/data/idx.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>

#include "train/data/file.hpp"

namespace eqp::train {
namespace {

namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little);

template <class T>
void convert(const char* from, std::span<Real> to) {
  for (Real& v : to) {
    std::array<char, sizeof(T)> bytes;
    std::reverse_copy(from, from + sizeof(T), bytes.begin());
    v = static_cast<Real>(std::bit_cast<T>(bytes));
    from += sizeof(T);
  }
}

struct Type {
  std::size_t code;
  const char* name;
  std::size_t size;
  void (*convert)(const char* from, std::span<Real> to);
};
constexpr Type kTypes[] = {{0x08, "unsigned bytes", 1, convert<std::uint8_t>},
                           {0x09, "signed bytes", 1, convert<std::int8_t>},
                           {0x0b, "16-bit integers", 2, convert<std::int16_t>},
                           {0x0c, "32-bit integers", 4, convert<std::int32_t>},
                           {0x0d, "floats", 4, convert<float>},
                           {0x0e, "doubles", 8, convert<double>}};

/// a b, or the largest number where it is beyond that.
std::size_t saturated_product(std::size_t a, std::size_t b) {
  constexpr std::size_t largest = std::numeric_limits<std::size_t>::max();
  return b != 0 && a > largest / b ? largest : a * b;
}

}  // namespace

ad::Tensor read_idx(const fs::path& path) {
  const std::string bytes = read_file(path);
  const auto byte = [&](std::size_t i) { return std::size_t(std::uint8_t(bytes[i])); };
  if (bytes.size() < 4 || byte(0) != 0 || byte(1) != 0) {
    refuse(path, "not an idx file, which begins with two zero bytes, a type and a rank");
  }
  const auto type = std::ranges::find(kTypes, byte(2), &Type::code);
  if (type == std::end(kTypes)) {
    refuse(path, "idx values of type " + std::to_string(byte(2)) + "; need 8, 9 or 11 to 14");
  }
  const std::size_t rank = byte(3), begin = 4 + 4 * rank;
  if (rank == 0 || rank > ad::Shape::kMaxRank) {
    refuse(path, "an idx array of " + std::to_string(rank) + " axes; need 1 to " +
                     std::to_string(ad::Shape::kMaxRank));
  }
  if (bytes.size() < begin) refuse(path, "cut short in the header");

  std::array<std::size_t, ad::Shape::kMaxRank> extents{};
  std::size_t needed = type->size;
  for (std::size_t i = 0; i < rank; ++i) {
    for (std::size_t k = 4 + 4 * i; k < 8 + 4 * i; ++k) extents[i] = extents[i] << 8 | byte(k);
    needed = saturated_product(needed, extents[i]);
  }
  const ad::Shape shape(std::span<const std::size_t>(extents).first(rank));
  const std::size_t have = bytes.size() - begin;
  if (have != needed) {
    refuse(path, std::to_string(have) + " bytes of data are too " +
                     (have < needed ? "few" : "many") + " for an array " + str(shape) + " of " +
                     type->name);
  }
  ad::Tensor x(shape);
  type->convert(bytes.data() + begin, x.flat());
  return x;
}

}  // namespace eqp::train
