#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

// What make_optimisers.py wrote.
namespace eqp::train {

using Vector = std::vector<double>;

/// Lines "name,step,value,value,...": the values of every step by name.
inline std::map<std::string, std::vector<Vector>> reference_values(const std::string& file) {
  const auto path = std::filesystem::path(__FILE__).parent_path() / file;
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  std::map<std::string, std::vector<Vector>> result;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream cells(line);
    std::string name, step;
    std::getline(std::getline(cells, name, ','), step, ',');
    Vector& values = result[name].emplace_back();
    for (std::string cell; std::getline(cells, cell, ',');) values.push_back(std::stod(cell));
  }
  return result;
}

}  // namespace eqp::train
