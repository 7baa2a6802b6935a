#include <stdexcept>

#include "autodiff/non_finite.hpp"
#include "autodiff/ranks.hpp"

// What ranks tell each other beyond bytes: texts, states and errors.
namespace eqp::ad {
namespace {

enum class Kind : char { none, other, invalid_argument, non_finite };

/// An exception as rank 0, or any other, can throw it again.
struct Told {
  Kind kind = Kind::none;
  std::string what;
  NonFinite::Origin origin = {};
  std::size_t has_row = 0, row = 0;

  void archive(Archive& a) {
    a("kind", kind);
    a("what", what);
    a("origin", origin);
    a("has_row", has_row);
    a("row", row);
  }
};

Told told(const std::exception_ptr& error) {
  if (!error) return {};
  try {
    std::rethrow_exception(error);
  } catch (const NonFinite& e) {
    return {Kind::non_finite, e.what(), e.origin, e.row.has_value(), e.row.value_or(0)};
  } catch (const std::invalid_argument& e) {
    return {Kind::invalid_argument, e.what()};
  } catch (const std::exception& e) {
    return {Kind::other, e.what()};
  } catch (...) {
    return {Kind::other, "unknown error"};
  }
}

void rethrow(const Told& error) {
  switch (error.kind) {
    case Kind::none:
      return;
    case Kind::non_finite:
      throw NonFinite(error.what, error.origin,
                      error.has_row ? std::optional(error.row) : std::nullopt);
    case Kind::invalid_argument:
      throw std::invalid_argument(error.what);
    case Kind::other:
      throw std::runtime_error(error.what);
  }
}

template <class T>
std::string packed(T& object) {
  Archive archive;
  object.archive(archive);
  return archive.bytes();
}

template <class T>
T unpacked(const std::string& bytes) {
  T object;
  Archive archive(bytes, Archive::Pass::read);
  object.archive(archive);
  return object;
}

struct Answer {
  std::string text;
  Told error;

  void archive(Archive& a) {
    a("text", text);
    a("error", error);
  }
};

}  // namespace

std::vector<std::string> gather(const std::string& mine) {
  std::vector<std::size_t> sizes(n_ranks()), starts{0};
  sizes[rank()] = mine.size();
  gather_shares(sizes.size(), std::span(sizes));
  for (const std::size_t size : sizes) starts.push_back(starts.back() + size);
  std::string all(starts.back(), '\0');
  std::ranges::copy(mine, all.begin() + std::ptrdiff_t(starts[rank()]));
  gather_bytes(std::as_writable_bytes(std::span(all)), starts);
  std::vector<std::string> of_ranks;
  for (std::size_t r = 0; r < n_ranks(); ++r) of_ranks.push_back(all.substr(starts[r], sizes[r]));
  return of_ranks;
}

std::string from_first_rank(const std::function<std::string()>& f) {
  if (!is_shared_out()) return f();
  std::string bytes;
  if (rank() == 0) {
    Answer answer;
    try {
      answer.text = f();
    } catch (...) {
      answer.error = told(std::current_exception());
    }
    bytes = packed(answer);
  }
  std::size_t size = bytes.size();
  broadcast(std::as_writable_bytes(std::span(&size, 1)));
  bytes.resize(size);
  broadcast(std::as_writable_bytes(std::span(bytes)));
  Answer answer = unpacked<Answer>(bytes);
  rethrow(answer.error);
  return std::move(answer.text);
}

void on_first_rank(const std::function<void()>& f) {
  from_first_rank([&] {
    f();
    return std::string();
  });
}

void gather_states(std::size_t n, const std::function<void(Archive&, std::size_t)>& item) {
  Archive mine;
  for (std::size_t i = share(n).first; i < share(n).end; ++i) item(mine, i);
  const std::vector<std::string> all = gather(mine.bytes());
  for (std::size_t r = 0; r < n_ranks(); ++r) {
    if (r == rank()) continue;
    Archive theirs(all[r], Archive::Pass::read);
    for (std::size_t i = share(n, r).first; i < share(n, r).end; ++i) item(theirs, i);
  }
}

void agree_on_error(const std::exception_ptr& error) {
  if (!on_any_rank(error != nullptr)) return;
  Told mine = told(error);
  for (const std::string& bytes : gather(packed(mine))) rethrow(unpacked<Told>(bytes));
}

}  // namespace eqp::ad
