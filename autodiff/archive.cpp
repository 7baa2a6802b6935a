#include "autodiff/archive.hpp"

#include <bit>
#include <cstring>
#include <stdexcept>

namespace eqp::ad {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie");

void append(std::string& bytes, const void* data, std::size_t size) {
  bytes.append(static_cast<const char*>(data), size);
}

}  // namespace

std::string Archive::Head::text() const {
  const char* type = kind == 'f' ? "f32" : kind == 'd' ? "f64" : kind == '1' ? "bytes" : "integers";
  return "\"" + name + "\" " + str(shape) + " of " + type;
}

Archive::Archive(std::string_view bytes, Pass pass)
    : mode_(pass == Pass::look ? Mode::look : Mode::read), unread_(bytes) {}

void Archive::operator()(const std::string& name, Tensor& x) {
  head(name, kind<Real>(), x.shape());
  body(x.flat().data(), x.flat().size_bytes());
}

void Archive::operator()(const std::string& name, Params& params) {
  within(name, [&] {
    // Writing leaves the version alone, which tells programs to redo what they hoisted.
    const std::span<Real> values = reading() ? params.mutate() : std::span<Real>();
    for (const Params::Entry& e : params.entries()) {
      head(e.name, kind<Real>(), e.shape);
      const std::size_t size = e.shape.size() * sizeof(Real);
      if (mode_ == Mode::write) {
        append(written_, params.view(e).data, size);
      } else {
        body(reading() ? &values[e.offset] : nullptr, size);
      }
    }
  });
}

void Archive::operator()(const std::string& name, std::string& text) {
  const std::size_t n = head_of_any_size(name, kind<char>(), text.size());
  if (reading()) text.resize(n);
  body(text.data(), n);
}

void Archive::within(const std::string& name, const std::function<void()>& parts) {
  const std::size_t outer = prefix_.size();
  prefix_ += name + ".";
  parts();
  prefix_.resize(outer);
}

void Archive::finish() const {
  if (mode_ == Mode::write || unread_.empty()) return;
  throw std::invalid_argument("more is stored than this state has: " +
                              std::to_string(unread_.size()) + " bytes are left over");
}

void Archive::head(const std::string& name, char kind, const Shape& shape) {
  const Head own{prefix_ + name, kind, shape};
  if (mode_ == Mode::write) return write(own);
  const Head stored = read_head(own);
  if (stored == own) return;
  throw std::invalid_argument(stored.text() + " is stored where this state has " + own.text());
}

std::size_t Archive::head_of_any_size(const std::string& name, char kind, std::size_t size) {
  const Head own{prefix_ + name, kind, {size}};
  if (mode_ == Mode::write) {
    write(own);
    return size;
  }
  const Head stored = read_head(own);
  if (stored.name == own.name && stored.kind == kind && stored.shape.rank() == 1) {
    return stored.shape[0];
  }
  throw std::invalid_argument(stored.text() + " is stored where this state has " + own.text());
}

void Archive::write(const Head& head) {
  const auto length = std::uint32_t(head.name.size());
  append(written_, &length, sizeof length);
  written_ += head.name;
  written_ += head.kind;
  written_ += char(head.shape.rank());
  append(written_, head.shape.dims().data(), head.shape.dims().size_bytes());
}

Archive::Head Archive::read_head(const Head& wanted) {
  if (unread_.empty()) {
    throw std::invalid_argument("nothing is stored where this state has " + wanted.text());
  }
  const auto number = [&](auto value) {
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  };
  Head head;
  head.name = take(number(std::uint32_t()));
  head.kind = number(char());
  std::vector<std::size_t> dims(std::min<std::size_t>(number(std::uint8_t()), Shape::kMaxRank));
  for (std::size_t& dim : dims) dim = number(std::size_t());
  head.shape = Shape(dims);
  return head;
}

void Archive::body(void* data, std::size_t size) {
  if (mode_ == Mode::write) return append(written_, data, size);
  const std::string_view bytes = take(size);
  if (reading() && size > 0) std::memcpy(data, bytes.data(), size);
}

std::string_view Archive::take(std::size_t size) {
  if (size > unread_.size()) throw std::invalid_argument("what is stored ends too early");
  const std::string_view bytes = unread_.substr(0, size);
  unread_.remove_prefix(size);
  return bytes;
}

}  // namespace eqp::ad
