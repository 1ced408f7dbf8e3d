#pragma once
// The spaces that ship: what is asked of every space is asked of these.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace nas {

inline const char* const kSpaces[] = {
    "digits",
    "custom-digits",
    "custom-cifar10",
    "nasbench201",
    "nasbench201-n1",
    "nasbench201-standalone",
    "nasbench-macro",
    "mobilenet",
    "mobilenet-elastic-resolution",
    "mobilenet-32",
    "proxyless",
    "ofa-resnet50",
    "darts",
    "darts-small",
    "darts-final",
    "resnet20-pool",
    "resnet18-stride",
    "resnet50-stride",
    "resnet50-stride-food101",
};

inline std::string test_name(const testing::TestParamInfo<const char*>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

}  // namespace nas
