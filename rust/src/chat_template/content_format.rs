//! Whether a template takes message.content as text or as a list of parts: if it loops over the
//! content of what it loops over as messages, it takes parts. This is the rule that vLLM uses.

use minijinja::machinery::ast::Expr;
use minijinja::machinery::parse;
use minijinja::syntax::SyntaxConfig;

use super::syntax_tree::Found;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContentFormat {
    String,
    OpenAi,
}

impl ContentFormat {
    pub fn of(source: &str, syntax: SyntaxConfig) -> Self {
        let Ok(root) = parse(source, "chat", syntax) else { return ContentFormat::String };
        let found = Found::in_template(&root);
        if found.loops_over_content().unwrap_or(false) {
            ContentFormat::OpenAi
        } else {
            ContentFormat::String
        }
    }
}

impl<'t> Found<'t> {
    /// `messages` and what is assigned from it, directly or through other such names.
    fn names_of_messages(&self) -> Option<Vec<&'t str>> {
        let mut names = vec!["messages"];
        let mut next = 0;
        while let Some(&name) = names.get(next) {
            next += 1;
            for (target, value) in &self.assignments {
                if is_value_of(value, name, None) {
                    let target = variable(target)?;
                    if !names.contains(&target) {
                        names.push(target);
                    }
                }
            }
        }
        Some(names)
    }

    /// None: a loop or an assignment has a target that is no plain name; nothing can be told.
    fn loops_over_content(&self) -> Option<bool> {
        let messages = self.names_of_messages()?;
        let mut items = Vec::new();
        for node in &self.loops {
            if messages.iter().any(|name| is_value_of(&node.iter, name, None)) {
                items.push(variable(&node.target)?);
            }
        }
        for node in &self.loops {
            if items.iter().any(|name| is_value_of(&node.iter, name, Some("content"))) {
                variable(&node.target)?;
                return Some(true);
            }
        }
        Some(false)
    }
}

fn variable<'t>(expression: &Expr<'t>) -> Option<&'t str> {
    match expression {
        Expr::Var(node) => Some(node.id),
        _ => None,
    }
}

/// `name` or `name.key`, under any filters, tests and slices.
fn is_value_of(expression: &Expr, name: &str, key: Option<&str>) -> bool {
    match expression {
        Expr::Filter(node) => node.expr.as_ref().is_some_and(|e| is_value_of(e, name, key)),
        Expr::Test(node) => is_value_of(&node.expr, name, key),
        Expr::Slice(node) => is_value_of(&node.expr, name, key),
        Expr::Var(node) => key.is_none() && node.id == name,
        Expr::GetAttr(node) => key == Some(node.name) && variable(&node.expr) == Some(name),
        Expr::GetItem(node) => {
            let subscript = match &node.subscript_expr {
                Expr::Const(constant) => constant.value.as_str(),
                _ => None,
            };
            key.is_some() && subscript == key && variable(&node.expr) == Some(name)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(source: &str) -> ContentFormat {
        ContentFormat::of(source, SyntaxConfig::default())
    }

    #[test]
    fn a_loop_over_the_content_takes_parts() {
        for source in [
            "{% for m in messages %}{% for c in m['content'] %}{% endfor %}{% endfor %}",
            "{% for m in messages[1:] %}{% for c in m.content | list %}{% endfor %}{% endfor %}",
            "{% set a = messages %}{% if x %}{% set b = a[1:] %}{% endif %}{% for m in b %}{% macro f() %}{% for c in m.content %}{% endfor %}{% endmacro %}{% endfor %}",
        ] {
            assert_eq!(format(source), ContentFormat::OpenAi, "{source}");
        }
    }

    #[test]
    fn all_else_takes_text() {
        for source in [
            "{% for m in messages %}{{ m.content }}{% endfor %}",
            "{% for m in messages %}{% for c in m.tool_calls %}{% endfor %}{% endfor %}",
            "{% for m in others %}{% for c in m.content %}{% endfor %}{% endfor %}",
            "{% for i, m in messages | items %}{% for c in m.content %}{% endfor %}{% endfor %}",
            "{% for m in messages %}",
            "",
        ] {
            assert_eq!(format(source), ContentFormat::String, "{source}");
        }
    }
}
