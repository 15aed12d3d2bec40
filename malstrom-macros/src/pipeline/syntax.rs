//! The grammar of a statement.
mod builtins;

use builtins::options;
use proc_macro2::{Ident, Span};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, Path, Result, Token, spanned::Spanned, token};

pub(super) struct Statement {
    pub(super) binding: Option<Binding>,
    pub(super) head: Head,
    pub(super) stages: Vec<Stage>,
}
pub(super) enum Binding {
    Name(Ident),
    Tuple(Vec<Ident>),
}
pub(super) enum Head {
    Source { word: Ident, expr: Box<Expr>, failure: Option<Failure>, alias: Option<Ident>, was: Option<Ident> },
    Stream(Ident),
    Union { word: Ident, inputs: Vec<Ident> },
    Two(Ident, Ident),
    Join(Join),
}
/// `join(left, right, ..)`
pub(super) struct Join {
    pub(super) word: Ident,
    pub(super) left: Ident,
    pub(super) right: Ident,
    pub(super) on: JoinOn,
    /// `Inner`, `Left`, `Right` or `Outer`.
    pub(super) kind: Ident,
    pub(super) alias: Option<Ident>,
    pub(super) was: Option<Ident>,
}
pub(super) enum JoinOn {
    Within(Box<Expr>),
    Window(Box<Expr>),
}
pub(super) enum Stage {
    Operator(Operator),
    Builtin(Builtin),
}
pub(super) struct Builtin {
    pub(super) word: Ident,
    pub(super) args: Punctuated<Expr, Token![,]>,
    /// `name = value` behind the arguments.
    pub(super) options: Vec<(Ident, Expr)>,
    pub(super) failure: Option<Failure>,
    pub(super) alias: Option<Ident>,
    pub(super) was: Option<Ident>,
}
impl Builtin {
    /// An option, if it is given.
    pub(super) fn option(&self, name: &str) -> Option<&(Ident, Expr)> {
        self.options.iter().find(|(known, _)| known == name)
    }
}
pub(super) struct Operator {
    pub(super) path: Path,
    pub(super) args: Punctuated<Expr, Token![,]>,
    pub(super) failure: Option<Failure>,
    pub(super) alias: Option<Ident>,
    pub(super) was: Option<Ident>,
}
pub(super) enum Failure {
    /// `?`
    Fail(Span),
    /// `else drop`
    Drop(Span),
    /// `else stream`
    Stream(Span, Ident),
}
impl Failure {
    pub(super) fn span(&self) -> Span {
        match self {
            Failure::Fail(span) | Failure::Drop(span) | Failure::Stream(span, _) => *span,
        }
    }
}

impl Parse for Statement {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let binding = if input.parse::<Option<Token![let]>>()?.is_some() {
            let binding = input.parse()?;
            input.parse::<Token![=]>()?;
            Some(binding)
        } else {
            None
        };
        let head = input.parse()?;
        let mut stages = Vec::new();
        while !input.peek(Token![;]) {
            if !input.peek(Token![->]) {
                return Err(input.error("expected `->` before the next stage, or `;`"));
            }
            input.parse::<Token![->]>()?;
            stages.push(input.parse()?);
        }
        input.parse::<Token![;]>()?;
        Ok(Statement { binding, head, stages })
    }
}

impl Parse for Binding {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(token::Paren) {
            let names;
            syn::parenthesized!(names in input);
            let names = names.parse_terminated(Ident::parse, Token![,])?;
            return Ok(Binding::Tuple(names.into_iter().collect()));
        }
        input.parse().map(Binding::Name)
    }
}

fn idents(input: ParseStream<'_>) -> Result<Vec<Ident>> {
    let names;
    syn::parenthesized!(names in input);
    Ok(names.parse_terminated(Ident::parse, Token![,])?.into_iter().collect())
}

impl Parse for Head {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(token::Paren) {
            let span = input.span();
            let [left, right] = <[Ident; 2]>::try_from(idents(input)?).map_err(|names| {
                Error::new(span, format!("an operator takes one input or two, not {}", names.len()))
            })?;
            return Ok(Head::Two(left, right));
        }
        let word: Ident = input.parse().map_err(|e| {
            Error::new(
                e.span(),
                "expected `source(..)`, `union(..)`, `join(..)`, `(left, right)` or the name of a stream",
            )
        })?;
        if !input.peek(token::Paren) {
            return Ok(Head::Stream(word));
        }
        if word == "source" {
            let expr;
            syn::parenthesized!(expr in input);
            let expr = Box::new(expr.parse()?);
            let failure = failure(input)?;
            let (alias, was) = alias(input)?;
            return Ok(Head::Source { word, expr, failure, alias, was });
        }
        if word == "union" {
            let inputs = idents(input)?;
            if inputs.len() < 2 {
                return Err(Error::new(word.span(), "a union has at least two inputs: `union(a, b)`"));
            }
            return Ok(Head::Union { word, inputs });
        }
        if word == "join" {
            return join(word, input).map(Head::Join);
        }
        Err(Error::new(
            word.span(),
            format!(
                "a chain cannot begin with `{word}(..)`\n  help: it begins with `source(..)`, `union(..)`, `join(..)`, `(left, right)` or the name of a stream"
            ),
        ))
    }
}

/// What stands behind `join`.
fn join(word: Ident, input: ParseStream<'_>) -> Result<Join> {
    let form = "`join(left, right, within = ..)` or `join(left, right, window = ..)`";
    let content;
    syn::parenthesized!(content in input);
    let args = content.parse_terminated(Expr::parse, Token![,])?;
    let (inputs, options) = options(&word, args)?;
    let name = |expr: &Expr| {
        let name = if let Expr::Path(path) = expr { path.path.get_ident().cloned() } else { None };
        let message = "a join reads streams that are bound above\n  help: `let name = ..;`";
        name.ok_or_else(|| Error::new(expr.span(), message))
    };
    let names = inputs.iter().map(name).collect::<Result<Vec<_>>>()?;
    let [left, right] = <[Ident; 2]>::try_from(names).map_err(|names| {
        Error::new(word.span(), format!("a join has two inputs, not {}\n  help: {form}", names.len()))
    })?;
    let mut on = None;
    let mut kind = Ident::new("Inner", word.span());
    for (option, value) in options {
        if option == "kind" {
            kind = join_kind(&value)?;
            continue;
        }
        if on.is_some() {
            let message = "a join pairs either `within` a distance or within a `window`, not both";
            return Err(Error::new(option.span(), message));
        }
        on = Some(if option == "within" { JoinOn::Within(value.into()) } else { JoinOn::Window(value.into()) });
    }
    let on = on.ok_or_else(|| {
        Error::new(word.span(), format!("a join needs to know what belongs together in time\n  help: {form}"))
    })?;
    let (alias, was) = alias(input)?;
    Ok(Join { word, left, right, on, kind, alias, was })
}
fn join_kind(value: &Expr) -> Result<Ident> {
    let word = match value {
        Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        _ => None,
    };
    let kind = match word.as_deref() {
        Some("inner") => "Inner",
        Some("left") => "Left",
        Some("right") => "Right",
        Some("outer") => "Outer",
        _ => return Err(Error::new(value.span(), "`kind` is `inner`, `left`, `right` or `outer`")),
    };
    Ok(Ident::new(kind, value.span()))
}

/// `?`, `else drop` or `else stream`
fn failure(input: ParseStream<'_>) -> Result<Option<Failure>> {
    if let Some(token) = input.parse::<Option<Token![?]>>()? {
        return Ok(Some(Failure::Fail(token.span())));
    }
    let Some(token) = input.parse::<Option<Token![else]>>()? else { return Ok(None) };
    let target: Ident =
        input.parse().map_err(|e| Error::new(e.span(), "expected `drop` or the name of a stream behind `else`"))?;
    Ok(Some(if target == "drop" { Failure::Drop(token.span()) } else { Failure::Stream(token.span(), target) }))
}

/// `as name [was name]`
fn alias(input: ParseStream<'_>) -> Result<(Option<Ident>, Option<Ident>)> {
    if input.parse::<Option<Token![as]>>()?.is_none() {
        return Ok((None, None));
    }
    let name = input.parse()?;
    let mut was = None;
    if input.peek(syn::Ident) && input.fork().parse::<Ident>()? == "was" {
        input.parse::<Ident>()?;
        was = Some(input.parse()?);
    }
    Ok((Some(name), was))
}

impl Stage {
    /// Where messages about this stage point.
    pub(super) fn span(&self) -> Span {
        match self {
            Stage::Builtin(b) => b.word.span(),
            Stage::Operator(op) => op.span(),
        }
    }
    /// Its id, if nothing else has that.
    pub(super) fn label(&self) -> String {
        match self {
            Stage::Builtin(b) => b.alias.as_ref().unwrap_or(&b.word).to_string(),
            Stage::Operator(op) => op.id().to_string(),
        }
    }
    /// What its id was in snapshots.
    pub(super) fn was(&self) -> Option<&Ident> {
        match self {
            Stage::Builtin(b) => b.was.as_ref(),
            Stage::Operator(op) => op.was.as_ref(),
        }
    }
    /// The stream that `else` names behind it.
    pub(super) fn failures(&self) -> Option<&Ident> {
        match self {
            Stage::Operator(Operator { failure: Some(Failure::Stream(_, name)), .. })
            | Stage::Builtin(Builtin { failure: Some(Failure::Stream(_, name)), .. }) => Some(name),
            _ => None,
        }
    }
    pub(super) fn is(&self, name: &str) -> bool {
        matches!(self, Stage::Builtin(b) if b.word == name)
    }
}
impl Operator {
    pub(super) fn span(&self) -> Span {
        self.path.segments.last().map_or_else(|| self.path.span(), |s| s.ident.span())
    }
    /// Its id: what `as` gives it, else the last word of its path.
    pub(super) fn id(&self) -> Ident {
        let last = || self.path.segments.last().map_or_else(|| Ident::new("_", self.span()), |s| s.ident.clone());
        self.alias.clone().unwrap_or_else(last)
    }
}
impl Head {
    pub(super) fn span(&self) -> Span {
        match self {
            Head::Source { word, .. } | Head::Union { word, .. } | Head::Join(Join { word, .. }) => word.span(),
            Head::Stream(name) | Head::Two(name, _) => name.span(),
        }
    }
    /// What its id was in snapshots.
    pub(super) fn was(&self) -> Option<&Ident> {
        match self {
            Head::Source { was, .. } | Head::Join(Join { was, .. }) => was.as_ref(),
            _ => None,
        }
    }
    /// The streams that it reads, in order.
    pub(super) fn reads(&self) -> Vec<&Ident> {
        match self {
            Head::Source { .. } => Vec::new(),
            Head::Stream(name) => vec![name],
            Head::Union { inputs, .. } => inputs.iter().collect(),
            Head::Two(left, right) | Head::Join(Join { left, right, .. }) => vec![left, right],
        }
    }
}
impl Statement {
    /// The streams that `else` names in it.
    pub(super) fn failures(&self) -> Vec<&Ident> {
        let of_head = match &self.head {
            Head::Source { failure: Some(Failure::Stream(_, name)), .. } => Some(name),
            _ => None,
        };
        of_head.into_iter().chain(self.stages.iter().filter_map(Stage::failures)).collect()
    }
    /// The streams that `let` names.
    pub(super) fn binds(&self) -> Vec<&Ident> {
        match &self.binding {
            None => Vec::new(),
            Some(Binding::Name(name)) => vec![name],
            Some(Binding::Tuple(names)) => names.iter().collect(),
        }
    }
    /// All streams that it declares.
    pub(super) fn declares(&self) -> Vec<&Ident> {
        let mut names = self.binds();
        names.extend(self.failures());
        names
    }
}
