// LINAS as it was released (search.md 3.1), for comparison: every objective is predicted, free
// costs too; predictors see genomes whose closed blocks show options that mean nothing; ridge or
// SVR, whichever cross-validates better; the inner search has one seed for all iterations and a
// random start; the next batch is its last population.
//
// Two things differ, because no network is paid for twice here: what a batch would have measured
// again is left out, so that a generation may be smaller than the population (a batch of which
// nothing is new is drawn), and the inner search mutates, as in the measurements of search.md 10.4:
// in the released program mutation is off by an accident of its library (3.6). The genes of closed
// blocks are drawn once for each network.
#include "search/algorithms/surrogate/surrogate_search.hpp"

namespace nas {
namespace {

class LinasReleased : public SurrogateSearch {
 public:
  LinasReleased() : SurrogateSearch("linas-released") {}

 protected:
  SurrogateForm form() const override { return SurrogateForm::kGenome; }
  bool predicts_free() const override { return true; }
  std::string model(const SearchContext& context) const override {
    const std::string& named = context.options().surrogate.predictor;
    return named == "auto" ? "ridge,svr" : named;
  }

  void choose(SearchContext& context, Rng&, Proposals& next) override {
    const SurrogateOptions& o = context.options().surrogate;
    Rng same(context.seed(), "search.linas-released.inner");
    const InnerPool pool =
        inner_search(context, *surrogate_, {}, {context.population(), o.generations, 0}, same);
    for (const size_t i : pool.last) next.take(pool.networks[i]);
    fill_ = next.architectures().empty();
  }
  bool fills() const override { return fill_; }

 private:
  bool fill_ = false;
};

}  // namespace

std::unique_ptr<SearchAlgorithm> make_linas_released() {
  return std::make_unique<LinasReleased>();
}

}  // namespace nas
