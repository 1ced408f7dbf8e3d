#pragma once
// Evaluators that need no supernet: published tables and programs of the user.
#include <memory>

#include "search/search_options.hpp"
#include "spaces/evaluator.hpp"

namespace nas {

/// Measures nothing: for searches among free costs, which need no truth.
class NoEvaluator final : public Evaluator {
 public:
  std::vector<Evaluation> evaluate(std::span<const Architecture> architectures) override {
    return std::vector<Evaluation>(architectures.size());
  }
  std::vector<std::string> metrics() const override { return {}; }
  std::string source() const override { return "none"; }
};

/// Values from a CSV or JSON file (search/table_file.hpp) or a compact one (compact_table.hpp). A
/// row belongs to the network its architecture names, in any form. Where several rows name one
/// network, that of its canonical form counts, else their mean; a row that stands twice counts
/// once, with other values it is an error, or with TableOptions::repeats one of several
/// measurements: their mean counts, METRIC_spread and METRIC_n say how far they spread and how many
/// they are. Numbers with a percent sign are hundredths. An architecture without a row fails alone.
/// DataError (file:line:column) for what cannot be read as such a table.
class TableEvaluator : public Evaluator {
 public:
  /// `each_form`: only an architecture's own row counts, not that of an equivalent one (published
  /// benchmarks list every form, each measured on its own).
  TableEvaluator(const Space& space, const TableOptions& options, bool each_form = false);
  ~TableEvaluator() override;
  std::vector<Evaluation> evaluate(std::span<const Architecture> architectures) override;
  std::vector<std::string> metrics() const override;
  std::vector<std::string> columns() const;  ///< The metrics without those of spread and number.
  std::string source() const override { return "table"; }
  std::string fidelity_json() const override;
  size_t size() const;  ///< Networks with a row.
  /// Those with a value, in ascending order; with `each_form` every form, else canonical ones.
  std::vector<Architecture> architectures() const;
  struct Facts {
    int64_t without_value = 0;  ///< Rows that hold no value.
    int64_t merged = 0;         ///< Rows beyond the first of their network, of other forms.
    int64_t repeated = 0;       ///< Rows that say again what one before says.
    double largest_spread = 0;  ///< Between the values of one network's rows.
  };
  Facts facts() const;
  std::vector<std::string> notes() const;     ///< What a user should know of how it was read.
  std::vector<std::string> warnings() const;  ///< Cells that may be wrong (value_check.hpp).

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A shell command that gets one line {"id": ID, "architecture": TEXT, "choices": {...}} for each
/// architecture and answers each with one line {"id": ID, "accuracy": 0.93, ...} or {"id": ID,
/// "error": "..."}, in any order. Lines that are no answers are shown and skipped. A second answer
/// to an id, or one to an id that was never asked, makes all answers of that process and batch
/// fail. A missing answer (time-out, crash, end of output) fails the first architecture that waits;
/// the command is started again for those after it. A value that its metric cannot have fails its
/// architecture (value_check.hpp). DataError when the command cannot be run at all, when its
/// answers carry no id, or when a metric holds shares and percents: then no value of the batch
/// is given.
class ExternalEvaluator : public Evaluator {
 public:
  ExternalEvaluator(const Space& space, const ExternalOptions& options);
  /// Waits for a process that lives for the run, at most `finish_s`.
  ~ExternalEvaluator() override;
  std::vector<Evaluation> evaluate(std::span<const Architecture> architectures) override;
  std::vector<std::string> metrics() const override;
  std::string source() const override { return "external"; }
  /// A value of before, of a search that goes on: new ones are held against it.
  void know(const Architecture& architecture, const Evaluation& evaluation);
  std::string fidelity_json() const override;

  /// Asked several times a second; once true the program is ended and what waits is `stopped`.
  std::function<bool()> stop;
  /// Gets lines for the user: what the program said that is no answer. At most 20.
  std::function<void(const std::string&)> show;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nas
