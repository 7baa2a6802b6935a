#include "autodiff/ops/pieces.hpp"

#include "autodiff/parallel.hpp"

namespace eqp::ad {

void run_pieces(std::size_t n, std::size_t piece,
                void (*task)(const void* context, std::size_t first, std::size_t last),
                const void* context) {
  const Blocks pieces{n, piece};
  parallel_for(pieces.count(), [&](std::size_t p) {
    const std::size_t first = pieces.first(p);
    task(context, first, first + pieces.size(p));
  });
}

}  // namespace eqp::ad
