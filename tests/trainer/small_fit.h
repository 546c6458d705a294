#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/temporary_folder.h"
#include "trainer/fit.h"
#include "trainer/generate.h"

namespace flashphase::trainer {

/// A small set of objects and a small network to train on it.
class SmallFit : public testing::Test {
 protected:
  SmallFit() {
    std::ofstream(folder_ / "small.yaml") << "object_size: 16\nsemi_axis: [2.5, 5]\nphase_length: [4, 16]\n";
    GenerateOptions set;
    set.output = data_;
    set.recipe = folder_ / "small.yaml";
    set.count = 200;
    set.threads = 1;
    generate(set);
    options_.data = data_;
    options_.output = folder_ / "model.fpm";
    options_.batch = 16;
    options_.samples = 16 * 12;
    options_.channels = options_.physics_channels = 4;
    options_.physics_layers = 1;
  }

  void choose_wu2021() {
    options_.network = "wu2021";
    options_.channels = 4;
    options_.physics_layers = options_.physics_channels = {};
  }

  TemporaryFolder folder_;
  std::string data_ = folder_ / "data.h5";
  FitOptions options_;
};

}  // namespace flashphase::trainer
