#pragma once
#include <memory>

namespace nas {

class Predictor;
std::unique_ptr<Predictor> make_mlp();

}  // namespace nas
