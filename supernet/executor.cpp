#include "supernet/executor.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <map>
#include <stdexcept>

#include "spaces/base/stop.hpp"
#include "supernet/plain_ops.hpp"
#include "supernet/shards/average_pool.hpp"
#include "supernet/shards/depthwise_conv.hpp"
#include "supernet/shards/joint_norm.hpp"
#include "supernet/shards/plain_norm.hpp"

namespace nas {
namespace {

/// One forward pass: the values of live nodes and what the ops need to know.
class Pass {
 public:
  Pass(const Plan& plan, TensorSource& tensors, const ForwardOptions& options)
      : plan_(plan), tensors_(tensors), options_(options) {}

  at::Tensor run(std::span<const at::Tensor> inputs) {
    at::Tensor result;
    const auto last = static_cast<int32_t>(plan_.nodes.size()) - 1;
    run(inputs, {&last, 1}, [&result](size_t, const at::Tensor& value) { result = value; });
    return result;
  }

  void run(std::span<const at::Tensor> inputs,
           std::span<const int32_t> outputs,
           const OnOutput& on_output) {
    begin(inputs, outputs);
    size_t done = 0;
    for (size_t i = 0; i < size(); ++i) {
      if (!visit(i)) continue;
      throw_if_stopped();  // One op of a large batch is the longest that is waited for.
      leave(options_.kernels ? execute_by_kernels(done) : execute(), &on_output);
    }
    end();
  }

  /// Nodes that may be visited, the auxiliary head's last.
  size_t size() const { return values_.size(); }

  void begin(std::span<const at::Tensor> inputs, std::span<const int32_t> outputs) {
    if (inputs.size() != plan_.input_shapes.size())
      throw std::logic_error("a plan of " + std::to_string(plan_.input_shapes.size()) +
                             " inputs is given " + std::to_string(inputs.size()));
    if (options_.features != nullptr) plan_.classifier_layer();  // Or an error, before the work.
    const size_t own = plan_.nodes.size();
    const size_t head = options_.auxiliary == nullptr ? 0 : plan_.auxiliary.size();
    values_.resize(own + head);
    uses_.assign(own + head, 0);
    if (plan_.relaxed()) {
      weights_ = mixing_weights();
      needed_ = needed_nodes(plan_, &weights_);
    }
    count_uses(plan_.nodes, 0);
    if (head > 0) count_uses(plan_.auxiliary, own);
    for (size_t k = 0; k < outputs.size(); ++k) {
      ++uses_[static_cast<size_t>(outputs[k])];  // The caller's.
      wanted_.emplace(outputs[k], k);
    }
    given_.assign(inputs.begin(), inputs.end());
    given_[0] = sized(given_[0]);
  }

  /// Goes to node `i`; false where it is not needed.
  bool visit(size_t i) {
    if (!needed(i)) return false;
    id_ = static_cast<int32_t>(i);
    node_ = &node(i);
    inputs_ = plan_.inputs(*node_);
    return true;
  }

  /// Keeps the value of the visited node as long as others read it.
  void leave(at::Tensor out, const OnOutput* on_output) {
    // Dead values go at once: without gradients this is what bounds the memory.
    each_read(*node_, [this](int32_t id) {
      if (--uses_[static_cast<size_t>(id)] == 0) values_[static_cast<size_t>(id)].reset();
    });
    const auto i = static_cast<size_t>(id_);
    values_[i] = std::move(out);
    const auto [first, end] = wanted_.equal_range(id_);
    for (auto it = first; it != end; ++it) {
      (*on_output)(it->second, values_[i]);
      if (--uses_[i] == 0) values_[i].reset();
    }
  }

  void end() {
    if (values_.size() > plan_.nodes.size()) *options_.auxiliary = values_.back();
  }

  // ---- Of the visited node, for those who run several passes together.
  at::Tensor execute() {
    return std::visit([this](const auto& op) { return execute(op); }, node_->op);
  }
  const Node& node(size_t i) const {
    const size_t own = plan_.nodes.size();
    return i < own ? plan_.nodes[i] : plan_.auxiliary[i - own];
  }
  NormPart norm_part(const BatchNorm& op) {
    return {in(),
            op.affine ? tensor(Role::kWeight) : at::Tensor(),
            op.affine ? tensor(Role::kBias) : at::Tensor(),
            {}};
  }
  /// What follows the visited norm and is read by nothing but the next in line: a sum with another
  /// value that is there already, a ReLU, or both.
  struct Followers {
    bool sum = false, relu = false;
    size_t count() const { return static_cast<size_t>(sum) + static_cast<size_t>(relu); }
  };
  Followers followers() const {
    Followers found;
    auto last = static_cast<size_t>(id_);
    const auto next_is_sole = [&] {
      return last + 1 < size() && uses_[last] == 1 && needed(last + 1) &&
             !plan_.inputs(node(last + 1)).empty();
    };
    if (next_is_sole() && std::holds_alternative<Add>(node(last + 1).op)) {
      const at::Tensor* other = added_to(last + 1);
      if (other != nullptr && other->defined() && other->sizes() == in().sizes() &&
          other->scalar_type() == in().scalar_type()) {
        found.sum = true;
        ++last;
      }
    }
    if (next_is_sole()) {
      const auto* act = std::get_if<Activation>(&node(last + 1).op);
      found.relu = act != nullptr && act->act == Act::kRelu &&
                   plan_.inputs(node(last + 1))[0] == static_cast<int32_t>(last);
    }
    return found;
  }
  /// The other term of the sum of two that follows the visited node.
  at::Tensor term_beside() const { return *added_to(static_cast<size_t>(id_) + 1); }
  /// The value of the visited node's predecessor in the plan.
  const at::Tensor& value_before() const { return values_[static_cast<size_t>(id_) - 1]; }
  /// The only value that the visited node reads.
  const at::Tensor& value_read() const { return in(); }
  at::Tensor weight() { return tensor(Role::kWeight); }
  RunningUpdate update_of(const BatchNorm& op, const BatchMoments& moments) {
    return {tensor(Role::kRunningMean),
            tensor(Role::kRunningVar),
            moments.mean,
            moments.var,
            op.momentum};
  }

  /// The visited node; `done`: how many of the next ones are done with it.
  at::Tensor execute_by_kernels(size_t& done) {
    if (done > 0) {
      --done;
      return value_before();
    }
    const auto* norm = std::get_if<BatchNorm>(&node_->op);
    const auto* pool = std::get_if<Pool>(&node_->op);
    if (norm != nullptr && kernels_take(in())) {
      const Followers behind = followers();
      done = behind.count();
      NormPart part = norm_part(*norm);
      if (behind.sum) part.plus = term_beside();
      const BnStats stats = statistics(*norm);
      return normalised(*norm, part, stats.mean, stats.var, behind.relu);
    }
    if (pool != nullptr && !pool->max && kernels_take(in())) return average_pool(*pool, in());
    return execute();
  }

  at::Tensor run_one(size_t node, const std::vector<at::Tensor>& inputs) {
    node_ = &plan_.nodes[node];
    id_ = static_cast<int32_t>(node);
    inputs_ = plan_.inputs(*node_);
    values_.resize(node);
    given_.resize(plan_.input_shapes.size());
    for (size_t k = 0; k < inputs_.size(); ++k)
      if (Plan::is_input(inputs_[k]))
        given_[Plan::input_index(inputs_[k])] = inputs[k];
      else
        values_[static_cast<size_t>(inputs_[k])] = inputs[k];
    return execute();
  }

 private:
  void count_uses(const std::vector<Node>& nodes, size_t first) {
    for (size_t i = 0; i < nodes.size(); ++i)
      if (needed(first + i))
        each_read(nodes[i], [this](int32_t id) { ++uses_[static_cast<size_t>(id)]; });
  }

  /// Whether a node is executed: all are, but what options of weight 0 alone need.
  bool needed(size_t i) const { return needed_.empty() || needed_[i]; }

  /// f(id) for each node whose value `node` reads.
  template <typename F>
  void each_read(const Node& node, F&& f) const {
    const auto inputs = plan_.inputs(node);
    const bool sum = std::holds_alternative<WeightedSum>(node.op);
    for (size_t k = 0; k < inputs.size(); ++k)
      if (!Plan::is_input(inputs[k]) && !(sum && weight_of(plan_, node, weights_, k) == 0))
        f(inputs[k]);
  }

  /// The mixing weights as numbers, to know which are 0.
  Mixing mixing_weights() const {
    if (options_.mixing == nullptr)
      throw std::logic_error("a relaxed plan runs with mixing weights only");
    const c10::NoGradGuard no_grad;
    Mixing numbers(options_.mixing->size());
    for (size_t c = 0; c < numbers.size(); ++c) {
      const at::Tensor& given = (*options_.mixing)[c];
      if (!given.defined()) continue;
      const at::Tensor w = given.detach().to(at::kCPU, at::kDouble).contiguous();
      numbers[c].assign(w.data_ptr<double>(), w.data_ptr<double>() + w.numel());
    }
    return numbers;
  }

  at::Tensor sized(const at::Tensor& x) const {
    const int64_t size[2] = {plan_.input().h, plan_.input().w};
    if (!plan_.resize_input || (x.size(2) == size[0] && x.size(3) == size[1])) return x;
    return at::_upsample_bilinear2d_aa(x, at::IntArrayRef(size, 2), /*align_corners=*/false);
  }

  const at::Tensor& in(size_t k = 0) const { return value(inputs_[k]); }
  const at::Tensor& value(int32_t id) const {
    return Plan::is_input(id) ? given_[Plan::input_index(id)] : values_[static_cast<size_t>(id)];
  }
  /// The term beside the visited node's value in node `i`, a sum; null where it has not two terms,
  /// one of them that.
  const at::Tensor* added_to(size_t i) const {
    const auto terms = plan_.inputs(node(i));
    if (terms.size() != 2 || terms[0] == terms[1]) return nullptr;
    if (terms[0] != id_ && terms[1] != id_) return nullptr;
    return &value(terms[0] == id_ ? terms[1] : terms[0]);
  }

  at::Tensor tensor(Role role) {
    TensorSpec specs[kMostTensors];
    const int n = tensors_of(node_->op, specs);
    for (int i = 0; i < n; ++i)
      if (specs[i].role == role) return tensors_.get(plan_, *node_, specs[i]);
    return {};
  }

  at::Tensor execute(const Conv2d& op) {
    const int64_t stride[2] = {op.stride, op.stride};
    const int64_t padding[2] = {op.padding, op.padding};
    const int64_t dilation[2] = {op.dilation, op.dilation};
    return at::conv2d(in(),
                      tensor(Role::kWeight),
                      op.bias ? tensor(Role::kBias) : at::Tensor(),
                      at::IntArrayRef(stride, 2),
                      at::IntArrayRef(padding, 2),
                      at::IntArrayRef(dilation, 2),
                      op.groups);
  }

  at::Tensor execute(const BatchNorm& op) {
    using Bn = ForwardOptions::Bn;
    const at::Tensor weight = op.affine ? tensor(Role::kWeight) : at::Tensor();
    const at::Tensor bias = op.affine ? tensor(Role::kBias) : at::Tensor();
    const auto normalise = [&](const at::Tensor& mean, const at::Tensor& var, bool batch) {
      return at::batch_norm(in(), weight, bias, mean, var, batch, op.momentum, op.eps, false);
    };
    switch (options_.bn) {
      case Bn::kTrain:
        if (op.running)
          return normalise(tensor(Role::kRunningMean), tensor(Role::kRunningVar), true);
        break;
      case Bn::kRunning:
        if (op.running)
          return normalise(tensor(Role::kRunningMean), tensor(Role::kRunningVar), false);
        break;
      case Bn::kTable:
        if (const auto it = options_.table->find(id_); it != options_.table->end())
          return normalise(it->second.mean, it->second.var, false);
        break;
      case Bn::kCollect:
        collect();
        break;
      case Bn::kBatch:
        break;
    }
    return normalise({}, {}, true);
  }

  /// Adds this batch's mean and biased variance to the table's sums.
  void collect() {
    const c10::NoGradGuard no_grad;
    const at::Tensor x = in().dim() == 4 ? in() : in().unsqueeze(-1).unsqueeze(-1);
    const int64_t over[3] = {0, 2, 3};
    auto [var, mean] = at::var_mean(x.to(at::kFloat), at::IntArrayRef(over, 3), /*correction=*/0);
    (*options_.table)[id_].add({mean, var});
  }

  /// What normalises the visited norm, by kernels: mean and biased variance.
  BnStats statistics(const BatchNorm& op) {
    using Bn = ForwardOptions::Bn;
    if (options_.bn == Bn::kTrain) throw std::logic_error("kernels without gradients do not train");
    if (options_.bn == Bn::kRunning && op.running)
      return {tensor(Role::kRunningMean), tensor(Role::kRunningVar)};
    if (options_.bn == Bn::kTable)
      if (const auto it = options_.table->find(id_); it != options_.table->end()) return it->second;
    const BatchMoments moments = biased_moments(in());
    const BnStats batch{moments.mean, moments.var};
    if (options_.bn == Bn::kCollect) (*options_.table)[id_].add(batch);
    return batch;
  }

  at::Tensor execute(const Activation& op) { return activated(op, in()); }
  at::Tensor execute(const Pool& op) { return pooled(op, in()); }

  at::Tensor execute(const GlobalAvgPool& op) {
    return averaged(op, in(), plan_.shape_of(inputs_[0]).image());
  }
  at::Tensor execute(const Linear& op) {
    if (options_.features != nullptr && id_ == plan_.classifier) *options_.features = in();
    return at::linear(in(), tensor(Role::kWeight), op.bias ? tensor(Role::kBias) : at::Tensor());
  }

  at::Tensor execute(const Add&) {
    at::Tensor sum = in(0);
    for (size_t k = 1; k < inputs_.size(); ++k) sum = sum + in(k);
    return sum;
  }

  /// One term alone is not added to zero, and weight 1 keeps every bit: one-hot weights leave the
  /// values of the option as they are. Where no gradient is asked of them, the graph is that of
  /// the plain network, too.
  at::Tensor execute(const WeightedSum& op) {
    const at::Tensor& w = (*options_.mixing)[static_cast<size_t>(op.choice)];
    const auto options = plan_.options(*node_);
    at::Tensor sum;
    for (size_t k = 0; k < options.size(); ++k) {
      const double weight = weight_of(plan_, *node_, weights_, k);
      if (weight == 0) continue;
      const bool plain = weight == 1 && !w.requires_grad();
      const at::Tensor term = plain ? in(k) : at::mul(in(k), w.select(0, options[k]));
      sum = sum.defined() ? sum + term : term;
    }
    if (sum.defined()) return sum;
    std::vector<int64_t> sizes{given_[0].size(0)};
    const Dims dims = dims_of(node_->out);
    for (const int64_t size : dims.span()) sizes.push_back(size);
    return given_[0].new_zeros(sizes);
  }

  at::Tensor execute(const Mul&) { return in(0) * in(1); }
  at::Tensor execute(const Concat&) {
    std::vector<at::Tensor> parts;
    for (size_t k = 0; k < inputs_.size(); ++k) parts.push_back(in(k));
    return at::cat(parts, node_->out.form == Form::kSequence ? 2 : 1);
  }

  at::Tensor execute(const Zero& op) { return strided(in(), op.stride, 0) * 0.0; }
  at::Tensor execute(const Identity&) { return in(); }
  at::Tensor execute(const Subsample& op) { return strided(in(), op.stride, op.offset); }

  at::Tensor execute(const Dropout& op) {
    if (!options_.train || op.p <= 0) return in();
    return in() * keep_mask(in().sizes(), 1.0 - op.p);
  }

  at::Tensor execute(const DropPath& op) {
    if (!options_.train || op.p <= 0) return in();
    std::vector<int64_t> per_sample(static_cast<size_t>(in().dim()), 1);
    per_sample[0] = in().size(0);
    return in() * keep_mask(per_sample, 1.0 - op.p);
  }

  at::Tensor keep_mask(at::IntArrayRef sizes, double keep) const {
    at::Tensor mask = at::empty(sizes, in().options());
    mask.bernoulli_(keep, options_.generator).div_(keep);
    return mask;
  }

  const Plan& plan_;
  TensorSource& tensors_;
  const ForwardOptions& options_;
  std::vector<at::Tensor> given_;
  std::vector<at::Tensor> values_;
  std::vector<int32_t> uses_;
  std::multimap<int32_t, size_t> wanted_;  ///< Outputs, by node.
  Mixing weights_;                         ///< Of a relaxed plan.
  std::vector<bool> needed_;               ///< Empty: all nodes.
  int32_t id_ = 0;
  const Node* node_ = nullptr;
  std::span<const int32_t> inputs_;
};

}  // namespace

void BnStats::add(const BnStats& batch) {
  mean = mean.defined() ? mean + batch.mean : batch.mean;
  var = var.defined() ? var + batch.var : batch.var;
}

void RunningUpdate::apply() const {
  const c10::NoGradGuard no_grad;
  at::Tensor(running_mean).mul_(1 - momentum).add_(mean, momentum);
  at::Tensor(running_var).mul_(1 - momentum).add_(var, momentum);
}

at::Tensor forward(const Plan& plan,
                   TensorSource& tensors,
                   const at::Tensor& x,
                   const ForwardOptions& options) {
  return Pass(plan, tensors, options).run({&x, 1});
}

at::Tensor forward(const Plan& plan,
                   TensorSource& tensors,
                   std::span<const at::Tensor> inputs,
                   const ForwardOptions& options) {
  return Pass(plan, tensors, options).run(inputs);
}

void forward_each(const Plan& plan,
                  std::span<const int32_t> outputs,
                  TensorSource& tensors,
                  std::span<const at::Tensor> inputs,
                  const ForwardOptions& options,
                  const OnOutput& on_output) {
  Pass(plan, tensors, options).run(inputs, outputs, on_output);
}

std::vector<at::Tensor> forward_parts(const Plan& plan,
                                      std::span<const BatchPart> parts,
                                      Lane& lane) {
  std::vector<Pass> passes;
  passes.reserve(parts.size());
  std::vector<at::Tensor> results(parts.size());
  const auto last = static_cast<int32_t>(plan.nodes.size()) - 1;
  for (const BatchPart& part : parts) {
    if (part.options.bn != ForwardOptions::Bn::kBatch &&
        part.options.bn != ForwardOptions::Bn::kTrain)
      throw std::logic_error("parts of a batch are for training");
    passes.emplace_back(plan, *part.tensors, part.options).begin({&part.input, 1}, {&last, 1});
  }
  size_t done = 0;  // Nodes behind a norm that it has done already.
  for (size_t i = 0; i < passes.front().size(); ++i) {
    if (!passes.front().visit(i)) continue;
    for (size_t p = 1; p < passes.size(); ++p) passes[p].visit(i);
    throw_if_stopped();
    std::vector<at::Tensor> out(passes.size());
    const Op& op = passes.front().node(i).op;
    const auto* pool = std::get_if<Pool>(&op);
    const auto* conv = std::get_if<Conv2d>(&op);
    if (done > 0) {
      --done;
      for (size_t p = 0; p < passes.size(); ++p) out[p] = passes[p].value_before();
    } else if (const auto* norm = std::get_if<BatchNorm>(&op)) {
      const Pass::Followers followers = passes.front().followers();
      done = followers.count();
      std::vector<NormPart> norm_parts;
      for (Pass& pass : passes) {
        norm_parts.push_back(pass.norm_part(*norm));
        if (followers.sum) norm_parts.back().plus = pass.term_beside();
      }
      BatchMoments moments;
      out = joint_norm(*norm, norm_parts, followers.relu, lane, &moments);
      // All lanes know them; one tells.
      const ForwardOptions& first = parts.front().options;
      if (lane.first() == 0 && norm->running && first.bn == ForwardOptions::Bn::kTrain)
        first.updates->push_back(passes.front().update_of(*norm, moments));
    } else if (pool != nullptr && !pool->max) {
      for (size_t p = 0; p < passes.size(); ++p)
        out[p] = average_pool(*pool, passes[p].value_read());
    } else if (conv != nullptr && takes_depthwise(*conv, passes.front().value_read())) {
      for (size_t p = 0; p < passes.size(); ++p)
        out[p] = depthwise_conv(*conv, passes[p].value_read(), passes[p].weight());
    } else {
      for (size_t p = 0; p < passes.size(); ++p) out[p] = passes[p].execute();
    }
    for (size_t p = 0; p < passes.size(); ++p) {
      const OnOutput keep = [&](size_t, const at::Tensor& value) { results[p] = value; };
      passes[p].leave(std::move(out[p]), &keep);
    }
  }
  for (Pass& pass : passes) pass.end();
  return results;
}

at::Tensor run_node(const Plan& plan,
                    size_t node,
                    const std::vector<at::Tensor>& inputs,
                    TensorSource& tensors,
                    const ForwardOptions& options) {
  return Pass(plan, tensors, options).run_one(node, inputs);
}

}  // namespace nas
