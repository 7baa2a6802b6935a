#pragma once

#include "mcmc/alternate.hpp"
#include "mcmc/baoab.hpp"
#include "mcmc/barker.hpp"
#include "mcmc/elliptical_slice.hpp"
#include "mcmc/hmc.hpp"
#include "mcmc/independent_mh.hpp"
#include "mcmc/isir.hpp"
#include "mcmc/mala.hpp"
#include "mcmc/nuts.hpp"
#include "mcmc/pull_back.hpp"
#include "mcmc/random_walk.hpp"
#include "mcmc/run.hpp"
#include "mcmc/tempering.hpp"
#include "mcmc/ula.hpp"

// Every kernel and run() of it, compiled once for all tests, in runs.cpp: it is most of what they
// would spend on.
namespace eqp::mcmc {

extern template RunResult run(Alternate<Isir, Mala>, ad::ConstView, const RunOptions&);
extern template RunResult run(Baoab, ad::ConstView, const RunOptions&);
extern template RunResult run(Barker, ad::ConstView, const RunOptions&);
extern template RunResult run(EllipticalSlice, ad::ConstView, const RunOptions&);
extern template RunResult run(Hmc, ad::ConstView, const RunOptions&);
extern template RunResult run(IndependentMh, ad::ConstView, const RunOptions&);
extern template RunResult run(Isir, ad::ConstView, const RunOptions&);
extern template RunResult run(Mala, ad::ConstView, const RunOptions&);
extern template RunResult run(Nuts, ad::ConstView, const RunOptions&);
extern template RunResult run(ParallelTempering<Mala>, ad::ConstView, const RunOptions&);
extern template RunResult run(Pulled<Mala>, ad::ConstView, const RunOptions&);
extern template RunResult run(RandomWalk, ad::ConstView, const RunOptions&);
extern template RunResult run(Ula, ad::ConstView, const RunOptions&);

}  // namespace eqp::mcmc
