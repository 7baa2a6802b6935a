#include "tests/mcmc/runs.hpp"

namespace eqp::mcmc {

template RunResult run(Alternate<Isir, Mala>, ad::ConstView, const RunOptions&);
template RunResult run(Baoab, ad::ConstView, const RunOptions&);
template RunResult run(Barker, ad::ConstView, const RunOptions&);
template RunResult run(EllipticalSlice, ad::ConstView, const RunOptions&);
template RunResult run(Hmc, ad::ConstView, const RunOptions&);
template RunResult run(IndependentMh, ad::ConstView, const RunOptions&);
template RunResult run(Isir, ad::ConstView, const RunOptions&);
template RunResult run(Mala, ad::ConstView, const RunOptions&);
template RunResult run(Nuts, ad::ConstView, const RunOptions&);
template RunResult run(ParallelTempering<Mala>, ad::ConstView, const RunOptions&);
template RunResult run(Pulled<Mala>, ad::ConstView, const RunOptions&);
template RunResult run(RandomWalk, ad::ConstView, const RunOptions&);
template RunResult run(Ula, ad::ConstView, const RunOptions&);

}  // namespace eqp::mcmc
