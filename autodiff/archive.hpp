#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "autodiff/params.hpp"
#include "autodiff/tensor.hpp"

// The state of a run as named arrays. One function of an object, archive(Archive&), both writes the
// state and reads it, so that the two cannot disagree:
//   void archive(ad::Archive& a) { a("momentum", m_); a("steps", t_); }
namespace eqp::ad {

/// What an archive stores as it lies in memory.
template <class T>
concept Number = std::is_arithmetic_v<T> || std::is_enum_v<T>;

/// Reading has two passes, of which the first only looks: where names, types or sizes are not those
/// of the object, nothing of it changes. What does more than call the archive asks `reading()`.
class Archive {
 public:
  /// For writing.
  Archive() = default;
  /// For reading what bytes() gave, if `pass` says so after a look at it.
  enum class Pass { look, read };
  Archive(std::string_view bytes, Pass pass);

  /// Whether the values are being changed by this archive.
  bool reading() const { return mode_ == Mode::read; }

  /// One number, or an array whose size the object knows.
  template <Number T>
  void operator()(const std::string& name, T& value) {
    head(name, kind<T>(), {});
    body(&value, sizeof(T));
  }
  template <Number T>
  void operator()(const std::string& name, std::span<T> values) {
    head(name, kind<T>(), {values.size()});
    body(values.data(), values.size_bytes());
  }
  void operator()(const std::string& name, Tensor& x);
  /// Names and shapes are part of what is checked.
  void operator()(const std::string& name, Params& params);

  /// An array of any size.
  template <Number T>
  void operator()(const std::string& name, std::vector<T>& values) {
    const std::size_t n = head_of_any_size(name, kind<T>(), values.size());
    if (reading()) values.resize(n);
    body(values.data(), n * sizeof(T));
  }
  void operator()(const std::string& name, std::string& text);

  /// An object with archive(Archive&): its names stand behind `name` and a dot.
  template <class T>
  requires requires(T& object, Archive& a) { object.archive(a); }
  void operator()(const std::string& name, T& object) {
    within(name, [&] { object.archive(*this); });
  }
  void within(const std::string& name, const std::function<void()>& parts);

  /// What was written.
  const std::string& bytes() const { return written_; }
  /// Throws std::invalid_argument if something is left to be read.
  void finish() const;

 private:
  enum class Mode { write, look, read };

  // Sizes and kinds of numbers tell apart what must not be mixed up, such as f32 and f64.
  template <class T>
  static constexpr char kind() {
    if constexpr (std::floating_point<T>) {
      return sizeof(T) == 4 ? 'f' : 'd';
    } else {
      return char('0' + sizeof(T));
    }
  }
  struct Head {
    std::string name;
    char kind = 0;
    Shape shape;
    bool operator==(const Head&) const = default;
    std::string text() const;
  };

  /// Writes what comes next, or checks that it does.
  void head(const std::string& name, char kind, const Shape& shape);
  std::size_t head_of_any_size(const std::string& name, char kind, std::size_t size);
  void write(const Head& head);
  Head read_head(const Head& wanted);
  /// Writes the values, passes over them or reads them.
  void body(void* data, std::size_t size);
  std::string_view take(std::size_t size);

  Mode mode_ = Mode::write;
  std::string written_;
  std::string_view unread_;
  std::string prefix_;
};

/// What writes and reads a state.
using State = std::function<void(Archive&)>;

/// What keeps the state of a long loop, so that a run that was stopped can go on from there.
class Keeper {
 public:
  virtual ~Keeper() = default;
  /// Changes the state to the one that was kept, if there is one.
  virtual void restore(const State& state) = 0;
  /// Between two steps: keeps the state if it is time to. Returns whether to go on.
  virtual bool offer(const State& state) = 0;
  /// Keeps the state, as at the end of the loop.
  virtual void keep(const State& state) = 0;
};

}  // namespace eqp::ad
