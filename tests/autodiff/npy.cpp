#include "autodiff/npy.hpp"

#include <bit>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <fstream>
#include <stdexcept>

namespace eqp::ad {
namespace {

namespace fs = std::filesystem;

/// A folder that vanishes with its contents.
struct Folder {
  fs::path path = fs::temp_directory_path() / ("eqp_npy_" + std::to_string(std::uintptr_t(this)));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  fs::path file(const std::string& bytes) const {
    std::ofstream(path / "x.npy", std::ios::binary) << bytes;
    return path / "x.npy";
  }
};

/// A file as numpy.save writes it: the header text as given, padded to 128 bytes in all.
std::string npy(const std::string& dict, const std::string& data) {
  std::string header = dict;
  header.resize(117, ' ');
  return std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header + "\n" + data;
}

template <class T>
std::string raw(std::initializer_list<T> values) {
  return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T)};
}

Tensor counting(const Shape& shape) {
  Tensor x(shape);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = Real(0.1) * Real(i) - Real(1);
  return x;
}

void refuses(const fs::path& path, const std::string& reason) {
  BOOST_CHECK_EXCEPTION(read_npy(path), std::invalid_argument, [&](const std::exception& e) {
    const std::string what = e.what();
    BOOST_TEST_MESSAGE(what);
    return what.starts_with(path.string() + ": ") && what.find(reason) != std::string::npos;
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(npy_files)

// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, byte by byte.
BOOST_AUTO_TEST_CASE(the_bytes_are_those_of_the_format) {
  const std::string dtype = sizeof(Real) == 4 ? "<f4" : "<f8";
  const std::vector<std::pair<Shape, std::string>> shapes{
      {{}, "()"}, {{3}, "(3,)"}, {{3, 2}, "(3, 2)"}, {{2, 0, 4}, "(2, 0, 4)"}};
  for (const auto& [shape, text] : shapes) {
    const Tensor x = counting(shape);
    const std::string bytes = npy_bytes(x);
    BOOST_TEST(bytes.substr(0, 8) == std::string("\x93NUMPY\x01\x00", 8));
    const std::size_t length = std::uint8_t(bytes[8]) + 256u * std::uint8_t(bytes[9]);
    BOOST_TEST((10 + length) % 64 == 0u);
    const std::string header = bytes.substr(10, length);
    const std::string dict =
        "{'descr': '" + dtype + "', 'fortran_order': False, 'shape': " + text + ", }";
    BOOST_TEST(header.substr(0, dict.size()) == dict);
    BOOST_TEST(header.find_first_not_of(' ', dict.size()) == length - 1);
    BOOST_TEST(header.back() == '\n');
    BOOST_TEST(bytes.size() == 10 + length + x.size() * sizeof(Real));
    BOOST_TEST(std::memcmp(bytes.data() + 10 + length, x.flat().data(), x.size() * sizeof(Real)) ==
               0);
  }
}

BOOST_AUTO_TEST_CASE(a_file_reads_back_as_it_was) {
  const Folder folder;
  for (const Shape& shape : {Shape{}, Shape{5}, Shape{4, 3}, Shape{2, 3, 4, 5}, Shape{0, 2}}) {
    const Tensor x = counting(shape);
    write_npy(folder.path / "a.npy", x);
    const Tensor y = read_npy(folder.path / "a.npy");
    BOOST_TEST(str(y.shape()) == str(shape));
    BOOST_TEST(x.flat() == y.flat(), boost::test_tools::per_element());
  }
  // Renamed, not left behind.
  BOOST_TEST(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()) == 1);
}

BOOST_AUTO_TEST_CASE(every_accepted_dtype_is_converted) {
  const Folder folder;
  const auto check = [&](const std::string& dtype, const std::string& data) {
    const std::string dict =
        "{'descr': '" + dtype + "', 'fortran_order': False, 'shape': (2, 2), }";
    const Tensor x = read_npy(folder.file(npy(dict, data)));
    BOOST_TEST(str(x.shape()) == "(2, 2)");
    BOOST_TEST(x(0, 0) == 1);
    BOOST_TEST(x(0, 1) == 200);
    BOOST_TEST(x(1, 0) == 3);
    BOOST_TEST(x(1, 1) == 0);
  };
  check("<f4", raw<float>({1, 200, 3, 0}));
  check("<f8", raw<double>({1, 200, 3, 0}));
  check("<i4", raw<std::int32_t>({1, 200, 3, 0}));
  check("<i8", raw<std::int64_t>({1, 200, 3, 0}));
  check("|u1", raw<std::uint8_t>({1, 200, 3, 0}));
}

BOOST_AUTO_TEST_CASE(fortran_order_is_transposed) {
  const Folder folder;
  const Tensor x =
      read_npy(folder.file(npy("{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }",
                               raw<double>({1, 4, 2, 5, 3, 6}))));
  const std::vector<Real> expected{1, 2, 3, 4, 5, 6};
  BOOST_TEST(str(x.shape()) == "(2, 3)");
  BOOST_TEST(x.flat() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_version_2_header_is_read) {
  const Folder folder;
  const std::string dict = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n";
  std::string bytes("\x93NUMPY\x02\x00", 8);
  bytes += raw<std::uint32_t>({std::uint32_t(dict.size())}) + dict + raw<float>({5, 6});
  BOOST_TEST(read_npy(folder.file(bytes))[1] == 6);
}

BOOST_AUTO_TEST_CASE(other_files_are_refused_with_a_reason) {
  const Folder folder;
  const auto file = [&](const std::string& descr, const std::string& shape, std::size_t bytes) {
    return folder.file(
        npy("{'descr': " + descr + ", 'fortran_order': True, 'shape': " + shape + ", }",
            std::string(bytes, '\0')));
  };
  refuses(folder.path / "none.npy", "no such file");
  refuses(folder.path, "not a file");
  refuses(folder.file("1,2,3\n4,5,6\n"), "not a npy file");
  refuses(folder.file(std::string("\x93NUMPY\x01\x00\x76\x00{'descr'", 18)), "cut short");
  refuses(folder.file(std::string("\x93NUMPY\x07\x00\x76\x00{'descr'", 18)), "version 7");
  refuses(folder.file(npy("{'descr': '<f8', 'shape': (1,), }", std::string(8, '\0'))),
          "fortran_order");
  refuses(file("'>f8'", "(2, 2)", 32), "dtype '>f8'");
  refuses(file("'<c16'", "(2, 2)", 64), "dtype '<c16'");
  refuses(file("[('x', '<f8')]", "(4,)", 32), "plain numbers");
  refuses(file("'<f8'", "(2, 2", 32), "shape is broken");
  refuses(file("'<f8'", "(2, -2)", 32), "shape is broken");
  refuses(file("'<f8'", "(2, 2)", 31), "31 bytes");
  refuses(file("'<f8'", "(2, 2)", 24), "do not make an array (2, 2)");
  refuses(file("'<f8'", "(2, 2)", 40), "do not make an array (2, 2)");
  refuses(file("'<f8'", "(0, 2)", 8), "do not make an array (0, 2)");
  refuses(file("'<f8'", "(4294967296, 4294967296)", 0), "do not make an array");
  refuses(file("'<f8'", "(1, 1, 1, 1, 1)", 8), "5 axes");
  refuses(file("'<f8'", "(1, 1, 1)", 8), "Fortran order");
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_written_is_reported) {
  const Folder folder;
  BOOST_CHECK_THROW(write_npy(folder.path / "none" / "x.npy", counting({2})), std::runtime_error);
  // A folder of that name: the rename fails and the temporary file goes.
  fs::create_directories(folder.path / "x.npy" / "full");
  BOOST_CHECK_THROW(write_npy(folder.path / "x.npy", counting({2})), std::runtime_error);
  BOOST_TEST(!fs::exists(folder.path / "x.npy.tmp"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eqp::ad
