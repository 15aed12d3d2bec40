//! One bad statement must not take the others down, so each is parsed on its own.
use super::Broken;
use super::syntax::Statement;
use crate::errors::Errors;
use proc_macro2::{Punct, Spacing, TokenStream, TokenTree};
use syn::Error;

pub(super) fn parse(body: TokenStream, errors: &mut Errors) -> (Vec<Statement>, Broken) {
    let (mut statements, mut broken, mut current) = (Vec::new(), Broken::default(), Vec::new());
    let mut one = |tokens: Vec<TokenTree>, errors: &mut Errors| match syn::parse2(tokens.iter().cloned().collect()) {
        Ok(statement) => statements.push(statement),
        Err(error) => {
            errors.push(error);
            broken.add(&tokens);
        }
    };
    for token in body {
        let ends = matches!(&token, TokenTree::Punct(p) if p.as_char() == ';');
        current.push(token);
        if ends {
            one(std::mem::take(&mut current), errors);
        }
    }
    if let Some(last) = current.last() {
        let span = last.span();
        errors.push(Error::new(span, "expected `;` after this statement"));
        let mut end = Punct::new(';', Spacing::Alone);
        end.set_span(span);
        current.push(end.into());
        one(current, errors);
    }
    (statements, broken)
}
