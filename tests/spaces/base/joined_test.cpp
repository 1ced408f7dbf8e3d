// Words in a row.
#include "spaces/base/joined.hpp"

#include <gtest/gtest.h>

namespace nas {
namespace {

TEST(Joined, WordsWithSomethingBetweenThem) {
  EXPECT_EQ(joined({}), "");
  EXPECT_EQ(joined({"a"}), "a");
  EXPECT_EQ(joined({"a", "b", "c"}), "a, b, c");
  EXPECT_EQ(joined({"a", "", "c"}, "; "), "a; ; c");
}

}  // namespace
}  // namespace nas
