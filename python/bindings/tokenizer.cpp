#include "quire/tokenizer.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "python/bindings/bindings.h"

namespace quire::python {

void bind_tokenizer(nb::module_& m) {
  using Release = nb::call_guard<nb::gil_scoped_release>;
  nb::class_<Tokenizer>(m, "NativeTokenizer")
      .def(
          "encode",
          [](const Tokenizer& self, const std::string& text, bool add_special_tokens) {
            return self.encode(text, add_special_tokens);
          },
          nb::arg("text"),
          nb::arg("add_special_tokens") = true,
          Release()
      )
      .def(
          "decode",
          [](const Tokenizer& self, const std::vector<int32_t>& ids, bool skip_special_tokens) {
            return self.decode(ids, skip_special_tokens);
          },
          nb::arg("token_ids"),
          nb::arg("skip_special_tokens") = false,
          Release()
      )
      .def(
          "token_to_id",
          [](const Tokenizer& self, const std::string& token) { return self.token_to_id(token); }
      )
      .def("id_to_token", &Tokenizer::id_to_token)
      .def("is_special", &Tokenizer::is_special)
      .def_prop_ro("vocab_size", &Tokenizer::vocab_size)
      .def_prop_ro("bos_token_id", &Tokenizer::bos_token_id)
      .def_prop_ro("eos_token_id", &Tokenizer::eos_token_id)
      .def_prop_ro("pad_token_id", &Tokenizer::pad_token_id)
      .def_prop_ro("unk_token_id", &Tokenizer::unk_token_id);
}

}  // namespace quire::python
