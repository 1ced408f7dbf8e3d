#include "cli/commands/topics.hpp"

#include <fstream>

#include "cli/commands/exports_topic.hpp"
#include "cli/latency/topic.hpp"
#include "cli/report/document.hpp"
#include "cli/sweep/topic.hpp"
#include "spaces/registry.hpp"

namespace nas::cli {
namespace {

/// The program that ships, so that what is shown is what is tested.
std::string example() {
  std::ifstream file(config_dir() + "/search/external.py");
  std::string text, line;
  while (std::getline(file, line)) text += (text.empty() ? "  " : "\n  ") + line;
  return text;
}

std::string configuration() {
  return R"(Configuration files

A configuration is YAML with sections, read strictly: an unknown or repeated
key, a wrong type or a value out of range is an error that names file, line,
column and the nearest known key. All mistakes of a file are told at once.

Values come from, in rising priority: defaults, the file (--config FILE),
--set KEY=VALUE, flags with a name of their own (--seed, --run ...).

--config takes a file, or the name of a configuration that ships, such as
quickstart/train, wherever nas runs. nas list configs names them.

  --set train.epochs=10              a value deep in the file
  --set 'optimizer={name: adam}'     a whole section
  --set stages.0.width=32            item 0 of a list

Values of --set are YAML too: true, 3, 0.1, [1, 2], text. A text with ": ",
" #", [ or { in it needs quotes inside those of the shell:
  --set 'evaluator.external.command="python3 my.py --note \"a: b\""'

A name such as `space: digits` means the file of that name in the configs
folder; a path to a YAML file works as well.

A trained run keeps its configuration. Where it is judged (evaluate, rank,
search, export), --set evaluate.images=..., evaluate.batch=... and the like
change how; every value is stored with the fidelity it was measured at.

  nas config new train my.yaml       a commented file to start from
  nas config check FILE              only validates
  nas config show FILE --set ...     prints the resolved values
  nas config keys train              every key with default and meaning
  nas config schema train            JSON schema for editors)";
}

std::string parts() {
  return R"(Parts of a space (--fix, search.fix)

A term says which options of a choice are open; choices and options have the
names that nas space show SPACE lists. Several terms all hold.

  --fix stage1.depth=2               one option
  --fix 'stage1.layer1=conv3|sep3'   one of several
  --fix '1<-0!=none'                 any but this
  --fix '*.kernel=3|5'               * in the name of a choice: any characters
  --fix 'stage1.depth=2,stage2.*!=conv5'   several terms in one

An architecture belongs to the part when each of its active choices has an
open option. A choice that is closed in it (a layer deeper than the depth)
is not asked about, so a term about that choice takes nothing away there.

nas space show|count|sample|enumerate, nas search, nas rank and nas evaluate
(with --sample or --all) take --fix; a configuration of nas search has
search.fix: [...]. Numbers and draws of a part are exact: counts, uniform
samples, the smallest and the largest network.

A part has the genes, texts and weights of its space. A search keeps its part
with its run and goes on with it. Where several architectures are one network
and the usual form of it lies outside, a form inside stands for it.)";
}

std::string searches() {
  return R"(Search algorithms (search.algorithm; nas search --algorithm)

No predictor
  random                  draws; the baseline of all others
  nsga2                   evolution, one to four objectives
  regularized-evolution   the oldest dies; sample: members compared
  local-search            to better neighbours, then from new starts
  simulated-annealing     one objective; chains, hot, cold
  moead, nspso, maco      pagmo2, two objectives or more
  sga, cmaes, gaco        pagmo2, one objective

With predictors of what is measured; free costs are exact
  ehvi                    where the front is expected to gain most, by a
                          Gaussian process; for costly evaluations
  linas                   batches from a long search on predictors
  linas-released          the same as its program was released
  concurrent              linas that begins with the best of an earlier
                          search, of another device or other weights:
                          search.warm_from
  ofa                     one objective under limits: predictors once,
                          then evolution; ends by itself

Solved, not searched; they end by themselves and need no budget
  exact                   free costs that add up
  blockwise               sums of single replacements, judged truly

auto, the default, takes ehvi for up to 1,000 evaluations (300 of a table) with
at most three objectives, and nsga2 for more, where nothing is measured, and
where the budget is enough for the whole space; with search.warm_from linas
instead. It tells which and why, and the run keeps it. A space of costs that add
up: exact. Everything that a table lists and costs nothing: random, to the end.

All keep hard limits, pay for no network twice, are the same for the same
seed, and go on bit for bit after they were stopped (--resume). Predicting
ones report how good predictions were of what was measured afterwards, and,
where predictions add up (ridge), the proved optimum of the surrogate: what
the search misses of it is search error, the rest is the predictor's.

  nas config keys search             every option, by algorithm
  nas search --config search/linas --set search.surrogate.predictor=svr)";
}

std::string few_shot() {
  return R"(Few-shot supernets (weights: {kind: few-shot}; nas split)

In one supernet every architecture trains the same weights, and options that
want opposite updates hurt one another. A few-shot supernet divides the options
of a choice among several weight sets: the leaves of a tree. Each architecture
trains and is judged with one leaf.

Gradient matching finds out what to divide. For each choice the gradients of
the weights that all its options share are compared, option by option: 1 -
cosine, averaged over batches. Options that pull alike stay together. The
choice whose groups disagree most is split (edge: max_cut; mean_cut where
choices have different numbers of options).

  weights:
    kind: few-shot
    split:
      epochs: [20, 40]     after so many epochs along a branch; [0]: at once
      groups: [2]          children of each split; the last entry goes on
      criterion: gradient  or random, or exhaustive (a leaf for each option)
      edge: max_cut        mean_cut, min_within, random, fixed (with choices:)
      candidates: []       choices that may be split; []: all
      score: {batches: 100, metric: cos, params: others}
    restart: final         children of the last split begin anew; none, all
    final_epochs: 0        of each leaf; 0: train.epochs less the last split

With splits at 20 and 40 and train.epochs 90 a run has 20 + 2 * 20 + 4 * 50
epochs in all.

  nas train --config few-shot/digits --name few-shot
  nas runs show few-shot               the tree, its leaves, its cost
  nas runs show few-shot --out tree.svg
  nas evaluate --run few-shot --sample 20   column `weights`: the leaf

A supernet that is trained already:

  nas split --run RUN                  what would be split, and how surely
  nas split --run RUN --apply --epochs 10 --name leaves
  nas train --resume leaves            splits as printed, trains the leaves

Read the column `halves agree`: where two disjoint halves of the batches give
different groups there is no evidence for them. Scoring costs a forward and
backward pass for each option of each choice and batch; in the DARTS space at
the published 100 batches and three levels that is 61,600 passes, more than the
52,394 steps of the training. 8 to 16 batches often give the same groups.)";
}

std::string exit_codes() {
  return R"(Exit codes

  0    done
  1    the run failed: bad data, a missing device, a full disk ...
  2    wrong usage or configuration; nothing was started
  3    a search ran to its end and found nothing within its limits; of nas diff:
       head finds nothing within its limits where base does; nas latency check,
       import-results: something lacks; nas latency diff --fail-above: moved
  4    nas diff --fail-below: head is worse than the limit
  5    nas diff: not enough data to tell, or nothing that compares
  130  interrupted (Ctrl-C, SIGTERM or SIGHUP); what can be saved was saved and
       the command to resume was printed

With --json an error is also a document on stdout (schema nas-error/1), unless
a document was printed before.)";
}

std::string evaluators() {
  return R"(Evaluators: where the quality of an architecture comes from
(`evaluator.kind` of nas search)

  supernet   a run of nas train (evaluator.run)
  table      published values in a CSV or JSON file (evaluator.table)
  none       nothing is measured: objectives and limits are free costs
  external   a program of yours (evaluator.external)
  told       values that come later, from people, queues, other machines
             (nas ask, nas tell)

The protocol of external programs

evaluator.external.command is a shell command. It runs in the folder where
the search began, or in evaluator.external.folder, and reads questions from
standard input and writes answers to standard output, each one JSON object on
one line:

  {"id": "q7-52ab91c0", "architecture": "[4,3,3]", "choices": {"down1": "4"}}
  {"id": "q7-52ab91c0", "accuracy": 0.931}

Fields    `id` must be copied from the question: it alone says which
          architecture an answer is for. Every name in
          evaluator.external.metrics must be there as a finite JSON number
          (not a text, not NaN); `accuracy` is a share from 0 to 1, other
          names (acc, err, top1) may be shares or percents, but not both: that
          ends the search, as do two answers of `accuracy` above 1. A value
          that cannot be (a negative latency) fails its architecture. Other
          fields are ignored. id, architecture, choices and error cannot be
          metrics, nor what is computed here (macs, params ...). Where
          `architecture` is given it must be that of
          the question.
Failures  {"id": ID, "error": "out of memory"} fails this architecture, as
          does a metric that is missing or no finite number. The search goes
          on, and shows why at its end.
Order     Any. All questions of a batch (evaluator.batch) are sent at once.
Output    A line that is no JSON object, or one without an id, is shown on
          standard error and skipped: let libraries print to standard error. A
          second answer to an id, an answer to an id that was never asked, or
          one with another `architecture`: none of the process's answers of
          this batch is used, its architectures fail.
          A program whose answers all lack the id is refused. No value is ever
          given by position.
Errors    Standard error is kept; its end (400 bytes) is told with a failure.
Life      lifetime: batch (default): the command is started for every batch
          and its input ends after the last question, so it may read
          everything first and need not flush.
          lifetime: run: it is started once, its input stays open until the
          search ends, and it must flush every answer.
          After its last answer it has finish_s seconds to end by itself, then
          it gets SIGTERM, then SIGKILL, and so does what it started. The
          same, at once, when the search is stopped; it never outlives nas.
Workers   evaluator.external.workers: N runs the command N times side by side;
          each process gets a part of every batch. Nothing tells them apart:
          take from the environment or a file what each is to use (a GPU).
Time-out  No answer for timeout_s seconds, the end of its output, a crash: the
          first architecture that waits fails, the command is started again
          for those after it. Exit code 126 or 127 before any answer (no such
          program) ends the search. So do 50 failures in a row.

A complete program in Python, and a configuration that runs it:

  $NAS_CONFIGS/search/external.py, search/external.yaml
  (nas doctor tells the folder)

)" + example();
}

std::string tables() {
  return R"(Tables: files of architectures with values
(nas rank --truth FILE, evaluator.table.file of nas search)

A table is CSV (commas, semicolons or tabs, with a header), a JSON array or
lines of objects, or a JSON object {"ARCHITECTURE": value}. The column
architecture or arch (--key, evaluator.table.key) names the architectures in
any form that nas space show explains. nas bench convert makes one indexed
file of it, which opens at once and is taken wherever a table is.

Numbers   An architecture may be given as #N, the number that nas space
          enumerate gives. Where the column holds bare numbers, --index-from N
          (evaluator.table.index_from) says that they are those, and which one
          the first is. The published tables of resnet20-pool count so from 1.
          NAS-Bench-201's own index is another order: use its strings.
Values    Decimal numbers. 63.2% is read as 0.632, and a column is written all
          with or all without %. A name that says percent (acc_percent, or
          acc with (%) behind it) has the last word: its values are percents,
          whatever they look like. Empty cells, NaN, NA and null are no value.
Repeats   A row that stands twice counts once; with another value it is an
          error, unless evaluator.table.repeats: mean (nas bench convert
          --repeats mean) says that rows are measurements: their mean counts,
          METRIC_spread is the standard deviation of one, METRIC_n their
          number. Forms of one network: the canonical one's value counts,
          else their mean. nas results --front --noise 0.95 leaves out what
          is worse beyond that noise only.
Gaps      A network without a row costs an evaluation and fails, unless
          evaluator.table.known_only: true keeps the search to the others.
Errors    The first bad cell is named with file:line:column: one that is no
          number; a negative accuracy, error, cost or time; an accuracy above
          100 %; a share among percents (0.632 among 50 .. 95) or a percentage
          among shares. What a column holds is told by its name (accuracy,
          test_acc, top1, recall; err, 1-acc).
          A value up to 1 among percents that may be honest is told, not
          refused: 1.0, the chance level of 100 classes, and others that
          stand there twice (0.83 of 120 classes); what is no share of the
          others' range. Where it is refused but meant, name the unit:
          'acc_percent = acc' as --column or in evaluator.table.metrics.
          Of a column whose name says nothing such cells are told.
          Answers of programs are held to the same rules.
Names     METRIC = COLUMN gives a column another name. What the two names
          state must agree: quantity, direction, unit; nothing is converted.
Limits    are in the unit of the column: acc >= 80 or acc >= 80% of percents,
          acc >= 0.8 or acc >= 80% of shares, latency (ms) <= 5. One that
          must be of another scale, or that no row meets, is refused before
          the search, with the range of the values; one that every row meets
          is told. A reference point is held to the same.
Direction Whether more is better follows from the name (loss, error, latency:
          less; neg_loss, -loss: more; 1-acc: less). nas rank asks for
          --higher-is-better or --lower-is-better where a name turns a meaning
          (accuracy_drop). Values whose name says nothing (a JSON map, a
          column value, test or x) are taken for a quality: more is better;
          it is told. An objective of nas search that runs against the
          name is refused unless search.confirm names the metric.
Costs     macs, params, activation_bytes and peak_bytes are computed, whatever
          a table says of them; it is told where the two differ. A column of
          another spelling (MACs, Params) is another metric; that is told.)";
}

std::string predictors_topic() {
  return R"(Predictors (nas predict)

A predictor guesses what is costly to measure - accuracy, latency - from rows
that were measured, and says how far off it may be.

  nas predict curve --data top1.csv --space mobilenet --target top1
  nas predict fit   --data top1.csv --space mobilenet --out top1.json
  nas predict eval  --predictor top1.json --space mobilenet --data new.csv

With --target, eval also says how far off a fitted predictor is. Rows are
architectures (--space SPACE, or --run RUN for stored values), read as one
column per option of each choice, 0 where the choice is inactive; or plain
columns of numbers of a CSV (--features a,b,c; without it all of them).
The target is a column or metric; of plain columns --target A+B is a sum.
Columns other than 0/1 are brought to mean 0 and deviation 1.

  ridge          linear; products of features where cross-validation prefers
                 them. Alpha .1 .. 10. The choice for few rows.
  gp             Gaussian process, a weight for each choice; marginal
                 likelihood. Its spread knows where rows are missing.
  svr            support vectors, RBF kernel of gamma 1/features; C 1 .. 100.
  boosted-trees  regression trees on the errors of those before.
  huber          ridge whose line outliers do not pull (times of a busy
                 machine): errors beyond 1.345 deviations count by their size
                 only. Of plain columns it never falls where a column grows,
                 unless cross-validation clearly says so: for latency, memory,
                 energy. --parameter monotone=0 or 1.
  stacked        ridge, gp, svr and boosted-trees, weighted by their errors on
                 rows not learnt.
  auto           ridge below 75 rows, else the best of ridge, svr, gp (of plain
                 columns huber, too) in cross-validation.

Parameters are chosen by cross-validation (--folds); --parameter alpha=1
gives one. --transform log learns the logarithm of the target.

The spread is the deviation of a new measurement around the mean: the
posterior of ridge and gp; of svr, boosted-trees, huber and of ridge with
products of one-hot columns the error in cross-validation, the same for every
row; of stacked that of its gp, stretched to the error in cross-validation.

  MAPE %        mean absolute error in percent of the truth
  tau-b, tau-a  order of all pairs. Few distinct predictions inflate tau-b:
                look at tau-a too, and with --within COLUMN at the order of
                rows that are equal there
  in 2 spreads  share of truths within two spreads; 0.95 where it is honest

curve learns from growing parts of the rows, judges on the rest, and says
whether more samples would help: they do while twice as many lower the RMSE
by 5 % or more.

eval --split random takes --repeats random parts; mod10 judges rows 9, 19 ..
(from 0) and leaves 8, 18 .. out; order judges the last tenth after learning
the first 80 %, which shows drift of a measurement; folds:K takes K folds.

A file names its features and the fingerprint of its space; rows of another
space are refused.)";
}

std::string comparing() {
  return R"(Comparing runs (nas diff)

  nas diff BASE HEAD                       two runs
  nas diff a1,a2,a3 b1,b2,b3               three seeds a side
  nas diff 'main-*' 'new-*'                every run whose name or id fits
  nas diff --base-db main.db 'm-*' 'n-*'   sides in different stores

Metrics (--metric, repeatable)
  hypervolume   of searches: of all that was evaluated within the limits, to
                one reference point for all runs (printed)
  accuracy ...  of searches: the best found; of trainings: the mean over the
                architectures that all of them have judged (nas evaluate)
  latency, macs, params   of the architecture that is best in the search's
                first objective
  tau           of trainings: tau-b over the architectures that all have
                ranked against the same truth (nas rank)
A metric whose name says nothing is written minimize:NAME or maximize:NAME.

What compares  A number stands beside another only where split (by hash),
images, recalibration, source, space, limits and compute agree: the same
number of evaluations, trainings within 5 % of multiply-adds. Otherwise the
reason is printed in its place. --ignore WHAT compares all the same. Weights
may differ: they are what is compared.

Intervals  Several seeds a side: Welch's, or of pairs where both sides ran
with the same seeds. One run a side has no spread over seeds; the interval
then says less, and what: of accuracies how much the images leave open
(Newcombe), of hypervolumes and other metrics how much hangs on single
architectures (random halves), of tau a paired bootstrap. Three seeds a side
are few, five are better.

--fail-below -1% (of the base), or -0.005 (in the metric's unit): how much
worse head may be. A change is positive where head is better, also where less
is better. It is held against the interval:
  all of it below the limit     exit code 4: worse
  all of it above               exit code 0
  the limit inside              exit code 5: not enough data to tell; about
                                how many seeds would do is printed
Exit code 3: head finds nothing within its limits where base does; 5 also
where nothing compares. Without --fail-below differences are told, not failed.

--format markdown (comments), junit (CI), json; --out FILE. Complete examples
for GitHub Actions and GitLab are among the configurations (nas doctor tells
the folder): ci/github-actions.yml, ci/gitlab-ci.yml.

nas report RUN... writes the same runs as one HTML page.)";
}

std::string environment() {
  return R"(Environment

  NAS_DB        results store when --db is not given (default: nas.db in the
                current folder)
  NAS_CONFIGS   folder of the shipped configurations (default: beside the
                installed program)
  COLUMNS       width of help and tables (default: that of the terminal)
  NO_COLOR      no colour when set to anything
  TERM=dumb     no colour, no redrawn progress
  OMP_NUM_THREADS  threads of training and evaluation when the configuration
                gives none)";
}

}  // namespace

const std::vector<Topic>& topics() {
  static const std::vector<Topic> table = {{"config", configuration},
                                           {"parts", parts},
                                           {"searches", searches},
                                           {"few-shot", few_shot},
                                           {"exports", exports_topic},
                                           {"exit-codes", exit_codes},
                                           {"evaluators", evaluators},
                                           {"tables", tables},
                                           {"predictors", predictors_topic},
                                           {"comparing", comparing},
                                           {"sweep", sweep_topic},
                                           {"latency", latency_topic},
                                           {"environment", environment}};
  return table;
}

std::string help_document(const std::string& about, const std::string& text) {
  nlohmann::ordered_json json{{"schema", "nas-help/1"}, {"about", about}, {"text", text}};
  for (const Topic& topic : topics())
    if (about == "nas " + topic.name) json["topic"] = topic.text();
  return json_text(json);
}

}  // namespace nas::cli
