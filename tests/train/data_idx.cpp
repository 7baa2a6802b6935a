#include "train/data/idx.hpp"

#include <algorithm>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "tests/train/files.hpp"
#include "train/data/table.hpp"

namespace eqp::train {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::uint32_t>;

/// The value's bytes, the most significant one first.
template <class T>
std::string big_endian(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  std::ranges::reverse(bytes);
  return bytes;
}

std::string header(char type, const Words& extents) {
  std::string bytes{'\0', '\0', type, char(extents.size())};
  for (const std::uint32_t extent : extents) bytes += big_endian(extent);
  return bytes;
}

template <class T>
std::string idx(char type, const Words& extents, const std::vector<T>& values) {
  std::string bytes = header(type, extents);
  for (const T v : values) bytes += big_endian(v);
  return bytes;
}

/// 3 images of 2 x 2 pixels: 0, 1, ..., 11, but for a white one.
std::string images() {
  std::vector<std::uint8_t> pixels;
  for (std::uint8_t v = 0; v < 12; ++v) pixels.push_back(v == 7 ? 255 : v);
  return idx(0x08, {3, 2, 2}, pixels);
}

template <class T>
void holds(char type, const std::vector<T>& values) {
  const Folder folder;
  const ad::Tensor x =
      read_idx(folder.file("x", idx(type, {std::uint32_t(values.size())}, values)));
  BOOST_TEST((x.shape() == ad::Shape{values.size()}));
  for (std::size_t i = 0; i < values.size(); ++i) BOOST_TEST(x[i] == Real(values[i]));
}

/// f fails with "<path><rest>...", on one line.
template <class F>
void fails(const fs::path& path, const std::string& rest, F f) {
  BOOST_CHECK_EXCEPTION(f(), std::invalid_argument, [&](const std::exception& e) {
    const std::string what = e.what();
    BOOST_TEST_MESSAGE(what);
    return what.starts_with(path.string() + rest) && what.find('\n') == std::string::npos;
  });
}
void refuses(const std::string& bytes, const std::string& rest) {
  const Folder folder;
  const fs::path path = folder.file("x", bytes);
  fails(path, rest, [&] { read_idx(path); });
}
void refuses_table(const fs::path& path, const std::string& rest, const std::string& label = "") {
  fails(path, rest, [&] { read_table(path, {.label = label}); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_idx)

BOOST_AUTO_TEST_CASE(values_of_every_type_are_read) {
  holds<std::uint8_t>(0x08, {0, 1, 127, 128, 255});
  holds<std::int8_t>(0x09, {0, 1, 127, -128, -1});
  holds<std::int16_t>(0x0b, {0, 258, -2, 32767, -32768});
  holds<std::int32_t>(0x0c, {0, 66051, -2, 1 << 30});
  holds<float>(0x0d, {0, 1.5f, -3e-20f, 3e38f});
  holds<double>(0x0e, {0, 1.5, -0.1, 1e30});
}

BOOST_AUTO_TEST_CASE(one_to_four_axes_are_read_with_the_last_one_fastest) {
  const Folder folder;
  std::vector<std::uint8_t> values(24);
  for (std::uint8_t v = 0; v < 24; ++v) values[v] = v;
  for (const Words& extents : {Words{24}, Words{6, 4}, Words{2, 3, 4}, Words{2, 3, 2, 2}}) {
    const ad::Tensor x = read_idx(folder.file("x", idx(0x08, extents, values)));
    BOOST_TEST(x.shape().rank() == extents.size());
    for (std::size_t i = 0; i < extents.size(); ++i) BOOST_TEST(x.shape()[i] == extents[i]);
    for (std::size_t i = 0; i < 24; ++i) BOOST_TEST(x[i] == Real(i));
  }
  BOOST_TEST(read_idx(folder.file("x", header(0x08, {0xffffffff, 0, 0xffffffff}))).size() == 0u);
}

BOOST_AUTO_TEST_CASE(a_compressed_file_holds_the_same) {
  const Folder folder;
  const std::string bytes = gzipped(images());
  const ad::Tensor x = read_idx(folder.file("x.gz", bytes));
  BOOST_TEST((x.shape() == ad::Shape{3, 2, 2}));
  BOOST_TEST(x[7] == 255);
  BOOST_TEST(x[11] == 11);
  for (const std::size_t keep : {std::size_t(5), bytes.size() / 2, bytes.size() - 1}) {
    const fs::path path = folder.file("y.gz", bytes.substr(0, keep));
    fails(path, ": not a whole gzip file", [&] { read_idx(path); });
  }
}

BOOST_AUTO_TEST_CASE(other_files_are_refused) {
  const fs::path missing = "no/such/idx";
  fails(missing, ": no such file", [&] { read_idx(missing); });
  for (const std::string& bytes : {std::string(), std::string(3, '\0'), std::string("1,2\n3,4\n"),
                                   std::string("\0x\x08\x01", 4), gzipped(images())}) {
    refuses(bytes, ": not an idx file");
  }
  refuses(header(0x0a, {1}), ": idx values of type 10; need 8, 9 or 11 to 14");
  refuses(header(0x08, {}), ": an idx array of 0 axes; need 1 to 4");
  refuses(header(0x08, {1, 1, 1, 1, 1}), ": an idx array of 5 axes; need 1 to 4");
}

BOOST_AUTO_TEST_CASE(every_other_length_is_refused) {
  const std::string whole = images();
  for (std::size_t keep = 4; keep < whole.size(); ++keep) {
    refuses(whole.substr(0, keep),
            keep < 16 ? ": cut short in the header"
                      : ": " + std::to_string(keep - 16) +
                            " bytes of data are too few for an array (3, 2, 2) of unsigned bytes");
  }
  refuses(whole + '\0', ": 13 bytes of data are too many for an array (3, 2, 2)");
}

BOOST_AUTO_TEST_CASE(sizes_that_no_memory_holds_are_refused_without_asking_for_it) {
  refuses(header(0x08, {0xffffffff}) + "abc", ": 3 bytes of data are too few");
  // Products of 2^64, which is 0 in 64 bits, and of 2^64 + 3.
  refuses(header(0x08, {1u << 16, 1u << 16, 1u << 16, 1u << 16}), ": 0 bytes of data are too few");
  refuses(header(0x08, {1u << 31, 1u << 31, 4}), ": 0 bytes of data are too few");
  refuses(header(0x0e, {1u << 31, 1u << 30}), ": 0 bytes of data are too few");
}

BOOST_AUTO_TEST_CASE(images_make_a_table_with_labels_from_their_own_file) {
  const Folder folder;
  const fs::path plain = folder.file("train-images-idx3-ubyte", images());
  const fs::path zipped = folder.file("images.idx3-ubyte.gz", gzipped(images()));
  const fs::path labels =
      folder.file("train-labels-idx1-ubyte.gz", gzipped(idx<std::uint8_t>(0x08, {3}, {5, 0, 9})));
  for (const fs::path& path : {plain, zipped}) {
    const Table t = read_table(path, {.label = labels});
    BOOST_TEST((t.values.shape() == ad::Shape{3, 4}));
    BOOST_TEST(t.values(1, 3) == 255);
    BOOST_TEST(t.values(2, 0) == 8);
    BOOST_TEST(t.columns == (std::vector<std::string>{"0", "1", "2", "3"}),
               boost::test_tools::per_element());
    BOOST_TEST(t.labels == (std::vector<double>{5, 0, 9}), boost::test_tools::per_element());
    BOOST_TEST(read_table(path).labels.empty());
  }
}

BOOST_AUTO_TEST_CASE(what_makes_no_table_is_refused) {
  const Folder folder;
  const fs::path path = folder.file("images-idx3", images());
  refuses_table(path, ": no file \"last\"; its labels are another idx file", "last");
  const fs::path two = folder.file("two-idx1", idx<std::uint8_t>(0x08, {2}, {1, 2}));
  fails(two, ": labels of shape (2) for 3 rows of images-idx3",
        [&] { read_table(path, {.label = two}); });
  fails(path, ": labels of shape (3, 2, 2) for 3 rows", [&] { read_table(path, {.label = path}); });
  refuses_table(two, ": an array of shape (2); need at least two axes");
  refuses_table(folder.file("one-idx3", idx<std::uint8_t>(0x08, {1, 2, 1}, {1, 2})),
                ": 1 rows of data, need at least 2");
  refuses_table(folder.file("none-idx2", header(0x08, {2, 0})), ": 0 rows of data");
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  refuses_table(folder.file("nan-idx2", idx<float>(0x0d, {2, 2}, {1, 2, 3, nan})),
                ": row 1, column 1 (from 0) is nan, expected a finite number");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eqp::train
