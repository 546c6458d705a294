#include "service/settings/settings_walker.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <spdlog/fmt/fmt.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <limits>

#include "proto/options.pb.h"
#include "service/settings/yaml_message.h"

namespace flashphase::service {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

template <class T>
std::string problem_of_number(T value, const v1::Setting& setting) {
  using Limits = std::numeric_limits<T>;
  const T low = setting.has_min() ? static_cast<T>(setting.min()) : Limits::lowest();
  const T high = setting.has_max() ? static_cast<T>(setting.max()) : Limits::max();
  return value >= low && value <= high ? "" : fmt::format("{} is not within {} to {}", value, low, high);
}

std::string problem_of_text(const std::string& value, const v1::Setting& setting) {
  const auto size = static_cast<double>(value.size());
  if (setting.has_max() && !(size >= setting.min() && size <= setting.max()))
    return fmt::format("has to have {} to {} characters", setting.min(), setting.max());
  if (value.empty() && !setting.not_empty().empty()) return "is empty; give " + setting.not_empty();
  const auto& choices = setting.choice();
  if (choices.empty() || std::ranges::find(choices, value) != choices.end()) return "";
  return fmt::format("\"{}\" is not one of {}", value, fmt::join(choices, ", "));
}

/// What is wrong with a value; empty when it is good.
std::string problem_of(const Message& message, const FieldDescriptor& field, const v1::Setting& setting) {
  const auto& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return problem_of_text(reflection.GetString(message, &field), setting);
    case FieldDescriptor::CPPTYPE_INT32:
      return problem_of_number(reflection.GetInt32(message, &field), setting);
    case FieldDescriptor::CPPTYPE_INT64:
      return problem_of_number(reflection.GetInt64(message, &field), setting);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return problem_of_number(reflection.GetFloat(message, &field), setting);
    default:
      return "";
  }
}

void complete_value(Message& message, const FieldDescriptor& field, const std::string& path,
                    std::vector<std::string>& problems) {
  const auto& reflection = *message.GetReflection();
  const auto& setting = field.options().GetExtension(v1::setting);
  if (!reflection.HasField(message, &field)) {
    if (!setting.has_default_()) return;
    YAML::Node given;
    given[field.name()] = setting.default_();
    read_yaml(given, message, "", problems);
  }
  const std::string problem = problem_of(message, field, setting);
  if (!problem.empty()) problems.push_back(path + ": " + problem);
}

}  // namespace

void complete_settings(Message& message, const std::string& path, std::vector<std::string>& problems) {
  const auto& reflection = *message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    const std::string at = path.empty() ? field.name() : path + "." + field.name();
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE)
      complete_value(message, field, at, problems);
    else if (!field.is_repeated())
      complete_settings(*reflection.MutableMessage(&message, &field), at, problems);
    else
      for (int k = 0; k < reflection.FieldSize(message, &field); ++k)
        complete_settings(*reflection.MutableRepeatedMessage(&message, &field, k),
                          fmt::format("{}[{}]", at, k), problems);
  }
}

}  // namespace flashphase::service
