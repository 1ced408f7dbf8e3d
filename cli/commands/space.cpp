#include <CLI/CLI.hpp>
#include <algorithm>
#include <set>
#include <unordered_map>

#include "cli/config/config_problems.hpp"
#include "cli/report/document.hpp"
#include "cli/report/graphviz.hpp"
#include "cli/report/limits_report.hpp"
#include "cli/report/search_report.hpp"
#include "cli/report/space_report.hpp"
#include "cli/results/space_results.hpp"
#include "cli/runs/arch_list.hpp"
#include "cli/runs/fix.hpp"
#include "cli/runs/latency.hpp"
#include "cli/runs/results/narrow.hpp"
#include "cli/runs/space_limits.hpp"
#include "cli/terminal/row_stream.hpp"
#include "cli/terminal/suggest.hpp"
#include "search/quantile.hpp"
#include "spaces/base/stop.hpp"
#include "spaces/draw/plan_draw.hpp"
#include "spaces/registry.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

struct SpaceArguments {
  Common common;
  std::string space, format = "table", drawing, out, file;
  std::string latency_table;
  std::vector<std::string> architectures, fix, limits;
  int samples = 10;
  int64_t latency_batch = 1;
  bool choices = false, exact_count = false, histogram = false;
  std::string run;
  PopularOptions popular;
};

int list(const SpaceArguments& o) {
  Rows families{{"family", "summary"}, {}};
  for (const SpaceFamily& family : space_families())
    families.rows.push_back({family.name, family.summary});
  const Format format = chosen_format(o.common, o.format);
  print_rows(families,
             format,
             {{"schema", "nas-space-list/1"}, {"configs", config_dir() + "/spaces"}},
             "families");
  return kExitOk;
}

/// Text of a network to --out or stdout.
void put(const SpaceArguments& o, const std::string& text) {
  // print() ends the line.
  put_text(o.out, text.ends_with('\n') && o.out.empty() ? text.substr(0, text.size() - 1) : text);
}

/// Graphviz source with a title: space, architecture, costs.
std::string drawing(const Space& space, const Architecture& a, const Plan& plan) {
  const Cost cost = cost_of(plan, space.counting());
  return draw_network(
      plan,
      space.choices(),
      {space.name(),
       space.text(a),
       format_count(static_cast<double>(cost.macs)) + " multiply-adds (" +
           std::to_string(cost.macs) + "), " + format_count(static_cast<double>(cost.params)) +
           " parameters (" + std::to_string(cost.params) + ")"});
}

/// One network as a drawing, its plan as JSON, or text; to --out or stdout. With --json stdout
/// holds a document: the plan, or what the drawing is and where.
void put_network(const SpaceArguments& o, const Space& space, const Architecture& a, bool asked) {
  const Plan plan = space.plan(a);
  const bool is_plan = o.drawing == "json" || (o.common.json && o.out.empty() && !asked);
  const std::string text = is_plan              ? plan_json(plan)
                           : o.drawing == "svg" ? svg_of(drawing(space, a, plan))
                           : o.drawing == "dot" ? drawing(space, a, plan)
                                                : plan_text(plan);
  if (!o.common.json || (is_plan && o.out.empty())) return put(o, text);
  Json json{{"schema", "nas-space-drawing/1"},
            {"space", space.name()},
            {"architecture", space.text(a)},
            {"format", o.drawing}};
  if (o.out.empty()) {
    json["text"] = text;
  } else {
    put(o, text);
    json["file"] = o.out;
  }
  print(json_text(json));
}

int show(SpaceArguments o) {
  const bool asked = !o.drawing.empty();
  o.drawing = drawing_format(o.drawing, o.out);
  const auto space = load_space(o.space);
  const Domain domain = fixed_domain(*space, o.fix);
  if (o.architectures.empty()) {
    if (!o.out.empty())
      throw ConfigError(
          "--out is for one network: name it with --arch",
          suggested(
              {"space", "show", o.space, "--arch", space->text(space->largest()), "--out", o.out},
              Common{}));
    if (o.drawing == "dot" || o.drawing == "svg")
      throw ConfigError("--format " + o.drawing + " draws one network: name it with --arch",
                        suggested({"space",
                                   "show",
                                   o.space,
                                   "--arch",
                                   space->text(space->largest()),
                                   "--format",
                                   o.drawing},
                                  Common{}));
    print_space(domain, o.common.json || o.drawing == "json");
    return kExitOk;
  }
  const std::vector<Architecture> named = named_architectures(*space, o.architectures);
  if (named.size() != 1)
    throw ConfigError("space show takes one architecture, here are " +
                      std::to_string(named.size()));
  std::string why;
  if (!domain.contains(named[0], &why))
    throw ConfigError("--arch " + space->text(named[0]) +
                      " is outside of what --fix leaves: " + why);
  put_network(o, *space, named[0], asked);
  return kExitOk;
}

int count(const SpaceArguments& o) {
  const auto space = load_space(o.space);
  const Domain domain = fixed_domain(*space, o.fix);
  SpaceCount found{domain.count(), std::nullopt};
  if (found.architectures <= kCountDistinctUpTo) {
    std::set<Architecture> distinct;
    domain.enumerate([&](const Architecture& a) {
      distinct.insert(space->canonical(a));
      return true;
    });
    found.distinct = static_cast<int64_t>(distinct.size());
  }
  if (o.common.json)
    print(json_text(space_count_json(found, domain)));
  else
    print_prose(space_count_text(found));
  return kExitOk;
}

std::vector<std::string> cost_header() {
  return {"architecture", "macs", "params", "activation_bytes", "peak_bytes"};
}

Row cost_row(const Space& space, const Architecture& a, Plan& plan) {
  space.build(a, plan);
  const Cost cost = cost_of(plan, space.counting());
  return {space.text(a), cost.macs, cost.params, cost.activation_bytes, cost.peak_bytes};
}

int sample(const SpaceArguments& o) {
  const auto space = load_space(o.space);
  const Domain domain = fixed_domain(*space, o.fix);
  const Format format = chosen_format(o.common, o.format);
  const RowSource rows = [&](const std::function<void(const Row&)>& take) {
    Rng rng(o.common.seed, "sample");
    Architecture a;
    Plan plan;
    for (int i = 0; i < o.samples; ++i) {
      if (o.choices)
        domain.sample_choices(rng, a);
      else
        domain.sample(rng, a);
      take(cost_row(*space, a, plan));
    }
  };
  Json head{{"schema", "nas-space-sample/1"}, {"space", space->name()}, {"seed", o.common.seed}};
  put_fix(head, domain);
  print_row_stream(cost_header(), rows, format, head, "architectures");
  return kExitOk;
}

/// All architectures in the order that `--index-from` of tables counts, those that compute what an
/// earlier one computes with its number. Numbers are those of the whole space, also where a part is
/// listed; only where the space is too large to have numbers the part has its own.
int enumerate(const SpaceArguments& o) {
  constexpr int kMost = 1000000;
  const auto space = load_space(o.space);
  const Format format = chosen_format(o.common, o.format);
  const Domain domain = fixed_domain(*space, o.fix);
  if (domain.count() > kMost)
    throw ConfigError(
        domain.name() + " has " + domain.count().str() + " architectures, too many to list",
        "nas space sample draws some, --fix takes a part");
  const bool numbered = space->count() <= kMost;
  const RowSource rows = [&](const std::function<void(const Row&)>& take) {
    std::unordered_map<Architecture, int64_t> first;
    int64_t number = 0;
    Plan plan;
    const auto list = [&](const std::function<bool(const Architecture&)>& f) {
      numbered ? space->enumerate(f) : domain.enumerate(f);
    };
    list([&](const Architecture& a) {
      if (!domain.restriction().contains(a)) {
        ++number;
        return true;
      }
      const int64_t same_as = first.emplace(space->canonical(a), number).first->second;
      Row row = cost_row(*space, a, plan);
      row.insert(row.begin(), number);
      row.push_back(same_as == number ? Json(nullptr) : Json(same_as));
      ++number;
      take(row);
      return true;
    });
  };
  std::vector<std::string> header = cost_header();
  header.insert(header.begin(), "number");
  header.emplace_back("same_as");
  Json head{{"schema", "nas-space-enumerate/1"}, {"space", space->name()}};
  put_fix(head, domain);
  print_row_stream(header, rows, format, head, "architectures");
  return kExitOk;
}

int cost(const SpaceArguments& o) {
  const auto space = load_space(o.space);
  const Format format = chosen_format(o.common, o.format);
  const std::vector<Architecture> architectures =
      named_architectures(*space, o.architectures, o.file);
  if (architectures.empty())
    throw ConfigError("no architecture was named", "use --arch A or --file F");
  Rows rows{cost_header(), {}};
  Plan plan;
  for (const Architecture& a : architectures) rows.rows.push_back(cost_row(*space, a, plan));
  print_rows(
      rows, format, {{"schema", "nas-space-cost/1"}, {"space", space->name()}}, "architectures");
  return kExitOk;
}

/// `-`: standard input.
std::unique_ptr<Space> open_to_check(const std::string& name) {
  if (name != "-") return load_space(name);
  auto space = make_space(yaml_file(name));
  space->set_label("stdin");
  return space;
}

/// Every plan of the cover and some random ones must chain: a wrong size shows here, not in
/// training.
SpaceCheck build_some(const SpaceArguments& o, const Space& space) {
  Plan plan;
  SpaceCheck found{o.space, space.name(), space.count(), 0};
  const auto build = [&](const Architecture& a) {
    try {
      space.build(a, plan);
    } catch (const InternalShapeError& e) {
      throw ConfigError("space " + o.space + ": architecture " + space.text(a) +
                        " cannot be built: " + e.what());
    }
    ++found.built;
  };
  for (const Architecture& a : space.cover()) build(a);
  Rng rng(o.common.seed, "check");
  for (int i = 0; i < 200; ++i) build(space.sample(rng));
  return found;
}

/// Share, count or nearest values; 3 where nothing meets the limits.
int check_what_limits_leave(const SpaceArguments& o, const Space& space, const SpaceCheck& built) {
  const Domain domain = fixed_domain(space, o.fix);
  CostModel costs(space);
  Json latency;
  if (!o.latency_table.empty()) {
    if (is_predictor_file(o.latency_table)) {
      latency = use_latency_predictor(costs, o.latency_table, o.latency_batch);
    } else {
      latency = use_latency(costs,
                            named_latency(o.latency_table, o.common.db).model,
                            o.latency_batch,
                            o.common.db,
                            o.space);
    }
  }
  for (const std::string& limit : o.limits) add_quantile(costs, parse_constraint(limit).metric);
  const SpaceLimits answer =
      check_limits(costs, read_limits(o.limits, costs), domain, o.exact_count, o.common.seed);
  if (o.common.json) {
    Json document = space_check_json(built);
    if (!latency.is_null()) document["latency"] = std::move(latency);
    put_fix(document, domain);
    put_limits(document, answer, costs, domain);
    print(json_text(document));
  } else {
    print(space_check_text(built));
    print_prose(limits_text(answer, costs, domain, o.histogram));
  }
  return answer.reach.witness ? kExitOk : kExitNothingFeasible;
}

int check_space(const SpaceArguments& o) {
  const auto space = open_to_check(o.space);
  const SpaceCheck built = build_some(o, *space);
  if (!o.limits.empty()) return check_what_limits_leave(o, *space, built);
  print(o.common.json ? json_text(space_check_json(built)) : space_check_text(built));
  return kExitOk;
}

int check(const SpaceArguments& o) {
  try {
    return check_space(o);
  } catch (const Error& e) {
    if (o.common.json) print(json_text(space_problems_json(o.space, problems_of(e))));
    throw;
  }
}

void add_check(CLI::App& app, SpaceArguments& o) {
  app.add_option("space", o.space, "Name of a config, a YAML file, or - (standard input)")
      ->required();
  app.add_option("--max,--limit",
                 o.limits,
                 "What share of the space meets a limit such as 'macs <= 300M'; repeatable; none: "
                 "the nearest value, exit 3")
      ->type_name("LIMIT")
      ->allow_extra_args(false);
  app.add_flag("--count", o.exact_count, "With --max: also the exact number (some seconds)");
  app.add_flag("--histogram", o.histogram, "With --max: how the limited metrics are spread");
  app.add_option("--table",
                 o.latency_table,
                 "Gives the metric latency_ms: id of `nas measure`, last, or a file");
  app.add_option("--latency-batch", o.latency_batch, "Images at once in that table (default 1)")
      ->check(CLI::Range(1, 1000000));
  add_fix(app, o.fix);
}

void add_space_name(CLI::App& app, SpaceArguments& o) {
  app.add_option("space", o.space, "Name of a config in configs/spaces, or a YAML file")
      ->required();
}

void add_sample(CLI::App& app, SpaceArguments& o) {
  add_fix(app, o.fix);
  app.add_option("-n,--count", o.samples, "How many")
      ->check(CLI::Range(1, 10'000'000))
      ->type_name("N");
  app.add_flag("--choices",
               o.choices,
               "Draw every choice uniformly instead of uniformly over architectures");
  add_format(app, o.format);
}

void add_narrow(CLI::App& app, SpaceArguments& o) {
  app.add_option("--run", o.run, "Search: id, a start of it, name, or last")
      ->required()
      ->type_name("ID");
  app.add_option("--min-share",
                 o.popular.least_share,
                 "Options that a smaller share of the networks in clusters has are left out "
                 "(default 0.01)")
      ->check(CLI::Range(0.0, 0.5))
      ->type_name("SHARE");
  app.add_option("--min-cluster",
                 o.popular.clusters.min_cluster_size,
                 "Fewer networks that lie together are noise (default 50)")
      ->check(CLI::Range(2, 1000000))
      ->type_name("N");
  app.add_option("--min-samples",
                 o.popular.clusters.min_samples,
                 "Neighbours that a network must have near: the higher, the more is noise "
                 "(default 10)")
      ->check(CLI::Range(1, 1000000))
      ->type_name("N");
}

}  // namespace

int run_space(const std::vector<std::string>& args) {
  SpaceArguments o;
  CLI::App app("Describe, count, sample and check search spaces", "nas space");
  app.footer(
      "nas space list\n"
      "nas space show digits\n"
      "nas space show resnet20-pool --arch '[4,3,3]' --out network.svg\n"
      "nas space count resnet20-pool\n"
      "nas space count nasbench201 --fix '3<-0!=none' --fix '1<-0=skip_connect|nor_conv_3x3'\n"
      "nas space sample digits -n 5 --seed 1\n"
      "nas space enumerate resnet20-pool --format csv\n"
      "nas space cost resnet20-pool --arch '[4,3,3]' --arch '[1,1,8]'\n"
      "nas space check my-space.yaml\n"
      "nas space check mobilenet --max 'macs <= 300M' --count\n"
      "nas space check mobilenet --max 'latency_ms <= 25' --table phone.json\n"
      "nas space narrow --run last");
  app.require_subcommand(1, 1);
  const auto add = [&](const char* name, const char* help, unsigned takes = kTakesNothing) {
    CLI::App* sub = app.add_subcommand(name, help);
    add_common(*sub, o.common, takes);
    return sub;
  };
  const auto add_space = [&](CLI::App* sub) { add_space_name(*sub, o); };
  CLI::App* list_app = add("list", "Families of spaces");
  add_format(*list_app, o.format);
  CLI::App* show_app = add("show", "A space's choices, or one network op by op");
  add_space(show_app);
  add_architectures(*show_app, o.architectures);
  show_app
      ->add_option(
          "--format", o.drawing, "How to show it (default: by the ending of --out, else text)")
      ->check(CLI::IsMember({"text", "json", "dot", "svg"}))
      ->type_name("text|json|dot|svg");
  add_fix(*show_app, o.fix);
  show_app
      ->add_option("--out", o.out, "File for --arch instead of stdout; an older one is replaced")
      ->type_name("FILE");
  CLI::App* count_app =
      add("count", "Exact number of architectures, and of the different networks among them");
  add_space(count_app);
  add_fix(*count_app, o.fix);
  CLI::App* sample_app = add("sample", "Random valid architectures with their cost", kTakesSeed);
  add_space(sample_app);
  add_sample(*sample_app, o);
  CLI::App* enumerate_app = add("enumerate", "All architectures, numbered, with their cost");
  add_space(enumerate_app);
  add_fix(*enumerate_app, o.fix);
  add_format(*enumerate_app, o.format);
  CLI::App* cost_app = add("cost", "Multiply-adds, parameters and activation memory");
  add_space(cost_app);
  add_architectures(*cost_app, o.architectures);
  add_architecture_file(*cost_app, o.file);
  add_format(*cost_app, o.format);
  CLI::App* check_app = add(
      "check",
      "Every mistake of a space's YAML, whether its networks can be built, and what limits leave",
      kTakesSeed | kTakesDb);
  add_check(*check_app, o);
  CLI::App* narrow_app =
      add("narrow", "The part of a space that a search favours, for the same goal", kTakesDb);
  add_narrow(*narrow_app, o);
  if (!parse(app, args)) return kExitOk;
  if (o.limits.empty() && (o.exact_count || o.histogram || !o.latency_table.empty() ||
                           (check_app->parsed() && !o.fix.empty())))
    throw ConfigError("space check: --count, --histogram, --table and --fix say more about a limit",
                      "name one with --max, such as --max 'macs <= 300M'");
  if (list_app->parsed()) return list(o);
  if (show_app->parsed()) return show(o);
  if (count_app->parsed()) return count(o);
  if (sample_app->parsed()) return sample(o);
  if (enumerate_app->parsed()) return enumerate(o);
  if (cost_app->parsed()) return cost(o);
  if (narrow_app->parsed()) {
    print_narrowing(narrowing_of(Store(o.common.db, Store::Mode::kRead), o.run, o.popular),
                    o.common.json);
    return kExitOk;
  }
  return check(o);
}

}  // namespace nas::cli
