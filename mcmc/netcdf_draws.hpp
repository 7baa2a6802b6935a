#pragma once

#include <filesystem>

#include "mcmc/draw_spool.hpp"

// Draws as NetCDF-4 in the layout of ArviZ's InferenceData: arviz.from_netcdf(PATH) reads them.
namespace eqp::mcmc {

/// A name for some of the coordinates of a draw, which are dealt out in order.
struct DrawVariable {
  std::string name = "x";
  std::size_t size = 0;  // coordinates, as a vector; 0: a scalar, one coordinate
};

struct NetcdfOptions {
  std::vector<DrawVariable> variables;  // empty: one vector "x" of all coordinates
  std::vector<Stat> stats;              // group sample_stats; none: no such group
  /// What ran, as JSON: attribute "configuration" of the file. No times: equal runs make equal
  /// bytes with the same NetCDF library.
  std::string configuration = "{}";
  /// Draws that wait are of the same run, stopped before: they are gone on with if its state is
  /// read, or else replaced.
  bool resumed = false;
};

/// Writes groups `posterior` and `sample_stats`: dimensions chain, draw and for vectors NAME_dim_0,
/// each with its coordinate variable from 0; draws as `Real`, statistics as double, int64 or, as
/// xarray marks booleans, int8. HDF5 files do not survive the death of their writer, so the draws
/// wait in PATH.draws, of about the same size, until finish() writes the file, under the name
/// PATH.tmp until it is whole. The NetCDF library is for one thread at a time, whatever the file.
class NetcdfDraws : public DrawSink {
 public:
  /// Throws std::invalid_argument unless the variables make d coordinates and all names differ and
  /// start with a letter; std::runtime_error if no file can be made.
  NetcdfDraws(std::filesystem::path path, std::size_t chains, std::size_t d,
              NetcdfOptions options = {});

  /// Throws std::runtime_error if the file cannot be written, std::logic_error after finish().
  void append(ad::ConstView draws, std::span<const StatValues> stats) override;
  void finish() override;
  void archive(ad::Archive& a) override;

 private:
  std::filesystem::path path_;
  std::size_t chains_, d_;
  NetcdfOptions options_;
  DrawSpool waiting_;
  bool finished_ = false;
};

}  // namespace eqp::mcmc
