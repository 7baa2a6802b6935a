#pragma once

#include <atomic>
#include <cstddef>
#include <cstdlib>

// Counts heap allocations by standing in for malloc and its relatives, since SIMD allocators bypass
// operator new. Include it in one source file of an executable. (glibc; under the address sanitizer
// through its hook.)
namespace eqp::test {
inline std::atomic<std::size_t> allocations{0};
}

#if defined(__SANITIZE_ADDRESS__)
// Of <sanitizer/allocator_interface.h>, which g++ 12 does not bring along.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*,
                                                                           std::size_t),
                                                         void (*on_free)(const volatile void*));

namespace eqp::test {
inline const int allocation_hook = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, std::size_t) { ++allocations; }, [](const volatile void*) {});
}
#else
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t n, std::size_t size);
void* __libc_realloc(void* p, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) noexcept {
  ++eqp::test::allocations;
  return __libc_malloc(size);
}
void* calloc(std::size_t n, std::size_t size) noexcept {
  ++eqp::test::allocations;
  return __libc_calloc(n, size);
}
void* realloc(void* p, std::size_t size) noexcept {
  ++eqp::test::allocations;
  return __libc_realloc(p, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  ++eqp::test::allocations;
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** p, std::size_t alignment, std::size_t size) noexcept {
  ++eqp::test::allocations;
  *p = __libc_memalign(alignment, size);
  return *p == nullptr;
}
}
#endif

namespace eqp::test {

/// The number of allocations f() makes.
template <class F>
std::size_t count_allocations(const F& f) {
  const std::size_t before = allocations;
  f();
  return allocations - before;
}

}  // namespace eqp::test
