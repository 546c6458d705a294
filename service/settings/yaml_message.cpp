#include "service/settings/yaml_message.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <spdlog/fmt/fmt.h>
#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <set>

namespace flashphase::service {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string child_path(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

std::string known_keys(const Message& message) {
  std::string keys;
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i)
    keys += (i > 0 ? ", " : "") + message.GetDescriptor()->field(i)->name();
  return keys;
}

class Reader {
 public:
  explicit Reader(std::vector<std::string>& problems) : problems_(problems) {}

  void mapping(const YAML::Node& node, Message& message, const std::string& path) {
    if (node.IsNull()) return;
    if (!node.IsMap())
      return problem(path, fmt::format("has to be a mapping with keys out of {}", known_keys(message)));
    std::set<std::string> seen;
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) {
        problem(path, "a key has to be a word");
        continue;
      }
      const std::string key = entry.first.Scalar();
      const std::string where = child_path(path, key);
      const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(key);
      if (field == nullptr)
        problem(where, "no such key; known here: " + known_keys(message));
      else if (!seen.insert(key).second)
        problem(where, "is given twice");
      else
        value(entry.second, message, *field, where);
    }
  }

 private:
  void problem(const std::string& path, const std::string& sentence) {
    problems_.push_back((path.empty() ? "the file" : path) + ": " + sentence);
  }

  void value(const YAML::Node& node, Message& message, const FieldDescriptor& field,
             const std::string& path) {
    if (node.IsNull()) return;
    const auto& reflection = *message.GetReflection();
    if (field.is_repeated()) {
      if (!node.IsSequence()) return problem(path, "has to be a list");
      for (std::size_t i = 0; i < node.size(); ++i)
        mapping(node[i], *reflection.AddMessage(&message, &field), fmt::format("{}[{}]", path, i));
      return;
    }
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE)
      return mapping(node, *reflection.MutableMessage(&message, &field), path);
    if (!node.IsScalar()) return problem(path, "has to be a single value");
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        return reflection.SetString(&message, &field, node.Scalar());
      case FieldDescriptor::CPPTYPE_BOOL:
        return scalar<bool>(node, path, "true or false",
                            [&](bool v) { reflection.SetBool(&message, &field, v); });
      case FieldDescriptor::CPPTYPE_INT32:
        return scalar<std::int32_t>(node, path, "a whole number below 2^31",
                                    [&](std::int32_t v) { reflection.SetInt32(&message, &field, v); });
      case FieldDescriptor::CPPTYPE_INT64:
        return scalar<std::int64_t>(node, path, "a whole number",
                                    [&](std::int64_t v) { reflection.SetInt64(&message, &field, v); });
      case FieldDescriptor::CPPTYPE_FLOAT:
        return scalar<float>(node, path, "a number",
                             [&](float v) { reflection.SetFloat(&message, &field, v); });
      default:
        return problem(path, "is of a type this reader does not know");
    }
  }

  template <class T, class Set>
  void scalar(const YAML::Node& node, const std::string& path, const char* wanted, Set set) {
    const bool quoted = node.Tag() == "!";
    T parsed{};
    if (!quoted && YAML::convert<T>::decode(node, parsed))
      set(parsed);
    else
      problem(path, fmt::format("\"{}\" is not {}", node.Scalar(), wanted));
  }

  std::vector<std::string>& problems_;
};

void emit(YAML::Emitter& out, const Message& message) {
  const auto& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  out << YAML::BeginMap;
  for (const FieldDescriptor* field : fields) {
    out << YAML::Key << field->name() << YAML::Value;
    if (field->is_repeated()) {
      out << YAML::BeginSeq;
      for (int i = 0; i < reflection.FieldSize(message, field); ++i)
        emit(out, reflection.GetRepeatedMessage(message, field, i));
      out << YAML::EndSeq;
      continue;
    }
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        emit(out, reflection.GetMessage(message, field));
        break;
      case FieldDescriptor::CPPTYPE_STRING:
        out << reflection.GetString(message, field);
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        out << reflection.GetBool(message, field);
        break;
      case FieldDescriptor::CPPTYPE_INT32:
        out << reflection.GetInt32(message, field);
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        out << reflection.GetInt64(message, field);
        break;
      case FieldDescriptor::CPPTYPE_FLOAT:
        out << fmt::format("{}", reflection.GetFloat(message, field));
        break;
      default:
        out << YAML::Null;
        break;
    }
  }
  out << YAML::EndMap;
}

}  // namespace

void read_yaml(const YAML::Node& node, Message& message, const std::string& path,
               std::vector<std::string>& problems) {
  Reader(problems).mapping(node, message, path);
}

std::string write_yaml(const Message& message) {
  YAML::Emitter out;
  emit(out, message);
  return std::string(out.c_str()) + "\n";
}

}  // namespace flashphase::service
