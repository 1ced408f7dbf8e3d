#pragma once
// Our names of devices and types in LibTorch's words, and mixed precision.
#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include "supernet/device.hpp"
#include "supernet/train/train_options.hpp"
#include "supernet/weights/placement.hpp"

namespace nas {

c10::Device torch_device(const Device& device);
Device device_of(const c10::Device& device);
c10::ScalarType torch_type(FloatType type);

/// Mixed precision on `device` while it lives; nothing for fp32.
class AutocastScope {
 public:
  AutocastScope(c10::Device device, Precision precision);
  ~AutocastScope();
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  c10::DeviceType type_;
  bool active_;
  bool before_ = false;
  c10::ScalarType dtype_before_ = c10::ScalarType::Undefined;
};

/// No TF32 while it lives: judging is fp32 whatever a run trains with.
class ExactProducts {
 public:
  explicit ExactProducts(c10::Device device);
  ~ExactProducts();
  ExactProducts(const ExactProducts&) = delete;
  ExactProducts& operator=(const ExactProducts&) = delete;

 private:
  bool active_;
  bool convolutions_ = false, matrices_ = false;
};

}  // namespace nas
