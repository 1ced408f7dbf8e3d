#pragma once
// Stores with runs made up for tests: searches and trainings with the values that a test wants.
#include <string>
#include <vector>

#include "search/store/store.hpp"

namespace nas::test {

/// An architecture of resnet20-pool with its accuracy and multiply-adds.
struct Tried {
  std::string architecture;
  double accuracy = 0, macs = 0;
};

struct MadeSearch {
  std::string id, name;
  uint64_t seed = 0;
  std::vector<Tried> tried = {};
  std::string status = "finished";
  std::string parent = "";
  std::string source = "supernet";
  std::string fidelity = R"({"split":"validation","images":1000,"bn":"recalibrated"})";
  std::vector<std::string> constraints = {};
  std::string space = "resnet20-pool";
};
void add_search(Store& store, const MadeSearch& search);

/// A finished training; `macs`: spent.
struct MadeTraining {
  std::string id, name;
  uint64_t seed = 0;
  double macs = 1e9;
  std::string split_hash = "aaaaaaaaaaaa";
  std::vector<std::pair<std::string, double>> accuracies = {};
  std::string fidelity = R"({"split":"validation","images":1000,"bn":"recalibrated"})";
};
void add_training(Store& store, const MadeTraining& training);

/// A ranking of one run: (architecture, prediction, truth).
struct Ranked {
  std::string architecture;
  double predicted = 0, truth = 0;
};
void add_ranking(Store& store,
                 const std::string& run,
                 const std::vector<Ranked>& rows,
                 const std::string& ranker = "ours");

/// `n` architectures of resnet20-pool with accuracies around `mean` and costs, drawn by `seed`.
std::vector<Tried> some_tried(size_t n, double mean, uint64_t seed);

}  // namespace nas::test
