#include <nlohmann/json.hpp>

#include "server/openapi/openapi_document.h"

namespace quire::server {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kHead = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>quire: endpoints</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h3, td:first-child { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; }
tr { border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
summary { cursor: pointer; }
</style>
</head>
<body>
<h1>Endpoints of quire</h1>
<p>For programs: <a href="openapi.json">openapi.json</a>.</p>
)html";

std::string escaped(std::string_view text) {
  std::string html;
  for (const char c : text) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      default:
        html += c;
    }
  }
  return html;
}

std::string name_of_reference(const Json& schema) {
  const std::string target = schema.at("$ref");
  return target.substr(target.rfind('/') + 1);
}

// "integer or null", "list of ResponseTool", "auto or none": a schema in words.
std::string in_words(const Json& schema) {
  if (schema.contains("$ref")) return name_of_reference(schema);
  if (schema.contains("const")) return schema["const"].dump();
  std::string words;
  const auto add = [&words](const std::string& word) {
    words += (words.empty() ? "" : " or ") + word;
  };
  if (schema.contains("enum")) {
    for (const Json& value : schema["enum"])
      add(value.is_string() ? value.get<std::string>() : value.dump());
  } else if (schema.contains("anyOf")) {
    for (const Json& choice : schema["anyOf"])
      add(in_words(choice));
  } else if (schema.contains("type") && schema["type"].is_array()) {
    for (const Json& type : schema["type"])
      add(type.get<std::string>());
  } else if (schema.contains("items")) {
    add("list of " + in_words(schema["items"]));
  } else {
    add(schema.value("type", "anything"));
  }
  return words;
}

const Json* request_schema(const Json& document, const Json& operation) {
  if (!operation.contains("requestBody")) return nullptr;
  const Json& schema = operation["requestBody"]["content"]["application/json"]["schema"];
  if (!schema.contains("$ref")) return &schema;
  return &document["components"]["schemas"][name_of_reference(schema)];
}

void append_row(std::string& html, const std::string& name, const Json& schema, bool is_required) {
  html += "<tr><td>" + escaped(name) + "</td><td>" + escaped(in_words(schema)) + "</td><td>";
  if (is_required) html += "Required. ";
  html += escaped(schema.value("description", "")) + "</td></tr>\n";
}

void append_fields(std::string& html, const Json& schema) {
  if (!schema.contains("properties")) return;
  const Json required = schema.value("required", Json::array());
  for (const auto& [name, property] : schema["properties"].items()) {
    const bool is_required = std::find(required.begin(), required.end(), name) != required.end();
    append_row(html, name, property, is_required);
  }
}

void append_operation(
    std::string& html,
    const Json& document,
    const std::string& path,
    const std::string& method,
    const Json& operation
) {
  std::string verb = method;
  for (char& c : verb)
    c = static_cast<char>(c - 'a' + 'A');
  html += "<h3>" + verb + " " + escaped(path) + "</h3>\n<p>";
  html += escaped(operation.value("summary", "")) + ". ";
  html += escaped(operation.value("description", "")) + "</p>\n";
  std::string rows;
  for (const Json& parameter : operation.value("parameters", Json::array())) {
    Json schema = parameter["schema"];
    schema["description"] = parameter.value("description", "");
    append_row(rows, parameter["name"], schema, parameter.value("required", false));
  }
  if (const Json* schema = request_schema(document, operation)) append_fields(rows, *schema);
  if (rows.empty()) return;
  html += "<details><summary>Fields</summary><table>\n" + rows + "</table></details>\n";
}

}  // namespace

std::string openapi_page(const std::string& document_text) {
  const Json document = Json::parse(document_text);
  std::string html(kHead);
  for (const Json& tag : document.at("tags")) {
    std::string operations;
    for (const auto& [path, methods] : document.at("paths").items()) {
      for (const auto& [method, operation] : methods.items()) {
        if (operation.at("tags").front() != tag.at("name")) continue;
        append_operation(operations, document, path, method, operation);
      }
    }
    if (operations.empty()) continue;
    html += "<h2>" + escaped(tag.at("name").get<std::string>()) + "</h2>\n<p>";
    html += escaped(tag.at("description").get<std::string>()) + "</p>\n" + operations;
  }
  return html + "</body>\n</html>\n";
}

}  // namespace quire::server
