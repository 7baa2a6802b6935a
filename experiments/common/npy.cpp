#include "experiments/common/npy.hpp"

#include <bit>

namespace eqp {

std::string npy_bytes(ad::ConstView x) {
  static_assert(std::endian::native == std::endian::little);
  std::string shape;
  for (std::size_t i = 0; i < x.shape.rank(); ++i) shape += std::to_string(x.shape[i]) + ",";
  std::string header = "{'descr': '<f" + std::to_string(sizeof(Real)) +
                       "', 'fortran_order': False, 'shape': (" + shape + "), }";
  // Magic, version and length take 10 bytes; the data begin at a multiple of 64.
  header.append((128 - (10 + header.size() + 1) % 64) % 64, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xff);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(x.data), x.size() * sizeof(Real));
  return bytes;
}

}  // namespace eqp
