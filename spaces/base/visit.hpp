#pragma once
// Lambdas joined to one visitor; without a catch-all the compiler names every op left out.

namespace nas {

template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <typename... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

}  // namespace nas
