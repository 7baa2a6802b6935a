#pragma once

// Have the chains mixed, and how much is a correlated or weighted sample worth? One file per
// concept; mcmc/summary.hpp puts them together.
#include "mcmc/chain_values.hpp"
#include "mcmc/e_bfmi.hpp"
#include "mcmc/ess.hpp"
#include "mcmc/log_weights.hpp"
#include "mcmc/mcse.hpp"
#include "mcmc/rhat.hpp"
