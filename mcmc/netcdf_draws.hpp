#pragma once

#include <filesystem>
#include <memory>

#include "mcmc/draw_sink.hpp"

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
};

/// Writes groups `posterior` and `sample_stats`: dimensions chain, draw (unlimited) and for vectors
/// NAME_dim_0, each with its coordinate variable from 0; draws as `Real`, statistics as double,
/// int64 or, as xarray marks booleans, int8. The file is PATH.tmp until finish() renames it.
/// Slabs go to the file as they come. The NetCDF library is for one thread at a time, whatever the
/// file.
class NetcdfDraws : public DrawSink {
 public:
  /// Throws std::invalid_argument unless the variables make d coordinates and all names differ and
  /// start with a letter; std::runtime_error if the file cannot be made.
  NetcdfDraws(const std::filesystem::path& path, std::size_t chains, std::size_t d,
              NetcdfOptions options = {});
  ~NetcdfDraws() override;

  /// Throws std::runtime_error if the file cannot be written.
  void append(ad::ConstView draws, std::span<const StatValues> stats) override;
  void finish() override;

 private:
  class File;

  std::unique_ptr<File> file_;
};

}  // namespace eqp::mcmc
