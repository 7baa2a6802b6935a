#pragma once

#include "autodiff/tape.hpp"

namespace eqp::ad {

/// How long a value stays apart: only while derivatives are recorded, or in programs too.
enum class Apart { while_recording, always };

/// x again as a value of its own: what is computed from it is recorded anew, though equal records
/// from x, or from another copy, are on the tape. Costs nothing when run.
Var apart(Var x, std::size_t copy, Apart until);
/// The value that x is this copy of, apart while derivatives are recorded; x if it is none.
Var behind(Var x, std::size_t copy);

}  // namespace eqp::ad
