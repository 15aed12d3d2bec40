//! One bad statement must not take the others down, so each is parsed on its own.
use super::Broken;
use super::syntax::Statement;
use crate::errors::Errors;
use proc_macro2::{Punct, Spacing, Span, TokenStream, TokenTree};
use syn::Error;

fn semicolon(at: Span) -> TokenTree {
    let mut end = Punct::new(';', Spacing::Alone);
    end.set_span(at);
    end.into()
}

pub(super) fn parse(body: TokenStream, errors: &mut Errors) -> (Vec<Statement>, Broken) {
    let (mut statements, mut broken, mut current) = (Vec::new(), Broken::default(), Vec::<TokenTree>::new());
    let mut one = |tokens: Vec<TokenTree>, errors: &mut Errors| match syn::parse2(tokens.iter().cloned().collect()) {
        Ok(statement) => statements.push(statement),
        Err(error) => {
            errors.push(error);
            broken.add(&tokens);
        }
    };
    for token in body {
        // A `let` begins a statement, also where the one before lacks its end.
        if matches!(&token, TokenTree::Ident(word) if word == "let")
            && let Some(last) = current.last()
        {
            current.push(semicolon(last.span()));
            one(std::mem::take(&mut current), errors);
        }
        let ends = matches!(&token, TokenTree::Punct(p) if p.as_char() == ';');
        current.push(token);
        if ends {
            one(std::mem::take(&mut current), errors);
        }
    }
    if let Some(last) = current.last() {
        let span = last.span();
        errors.push(Error::new(span, "expected `;` after this statement"));
        current.push(semicolon(span));
        one(current, errors);
    }
    (statements, broken)
}
