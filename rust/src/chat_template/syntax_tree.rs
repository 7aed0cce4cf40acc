//! The statements of a template that others ask about.

use minijinja::machinery::ast::{Expr, ForLoop, Macro, Stmt};

/// All assignments and loops of a template, wherever they stand.
#[derive(Default)]
pub struct Found<'t> {
    pub assignments: Vec<(&'t Expr<'t>, &'t Expr<'t>)>,
    pub loops: Vec<&'t ForLoop<'t>>,
}

impl<'t> Found<'t> {
    pub fn in_template(root: &'t Stmt<'t>) -> Self {
        let mut found = Found::default();
        found.visit(root);
        found
    }

    fn visit_all(&mut self, statements: &'t [Stmt<'t>]) {
        statements.iter().for_each(|statement| self.visit(statement));
    }

    fn visit(&mut self, statement: &'t Stmt<'t>) {
        match statement {
            Stmt::Template(node) => self.visit_all(&node.children),
            Stmt::ForLoop(node) => {
                self.loops.push(node);
                self.visit_all(&node.body);
                self.visit_all(&node.else_body);
            }
            Stmt::IfCond(node) => {
                self.visit_all(&node.true_body);
                self.visit_all(&node.false_body);
            }
            Stmt::WithBlock(node) => self.visit_all(&node.body),
            Stmt::Set(node) => self.assignments.push((&node.target, &node.expr)),
            Stmt::SetBlock(node) => self.visit_all(&node.body),
            Stmt::AutoEscape(node) => self.visit_all(&node.body),
            Stmt::FilterBlock(node) => self.visit_all(&node.body),
            Stmt::Block(node) => self.visit_all(&node.body),
            Stmt::Macro(node) => self.visit_macro(node),
            Stmt::CallBlock(node) => self.visit_macro(&node.macro_decl),
            _ => {}
        }
    }

    fn visit_macro(&mut self, node: &'t Macro<'t>) {
        self.visit_all(&node.body);
    }
}
