//! What is asked at which path, and what is answered.
use super::Console;
use super::guard::{Token, is_of_a_page};
use super::text::CONTENT_TYPE;
use super::{metrics, views::PlanView};
use crate::error::Error;
use crate::runtime::attempt::Moved;
use crate::runtime::check_name;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// The longest body.
const BODY: usize = 64 * 1024;
/// So long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// So long that of a savepoint may take, and of what moves with a snapshot: as long as that may, and a bit.
const SAVEPOINT: Duration = Duration::from_secs(660);

/// What all answers need.
#[derive(Clone)]
struct Desk {
    console: Arc<dyn Console>,
    token: Option<Token>,
}

pub(super) fn router(console: Arc<dyn Console>, token: Option<Token>) -> Router {
    let desk = Desk { console, token };
    // What they do without a token, `get` does for all.
    let open = Router::new().route("/healthz", only(get(healthz))).route("/readyz", only(get(readyz)));
    let guarded = Router::new()
        .route("/v1/status", only(get(status)))
        .route("/v1/plan", only(get(plan)))
        .route("/v1/savepoint", only(post(savepoint)))
        .route("/v1/target", only(put(target)))
        .route("/v1/rebalance", only(post(rebalance)))
        .route("/v1/stop", only(post(stop)))
        .route("/metrics", only(get(figures)))
        .fallback(unknown)
        .layer(from_fn_with_state(desk.clone(), guard));
    open.merge(guarded).layer(DefaultBodyLimit::max(BODY)).with_state(desk)
}
fn only(method: MethodRouter<Desk>) -> MethodRouter<Desk> {
    method.fallback(wrong_method)
}

/// An answer that says what went wrong, and what to do.
struct Refusal(StatusCode, String);
impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}
fn refusal(status: StatusCode, why: impl Into<String>) -> Refusal {
    Refusal(status, why.into())
}
type Answer<T = Response> = Result<T, Refusal>;

/// Lets in those who may ask, and waits for their answers no longer than it should.
async fn guard(State(desk): State<Desk>, request: Request, next: Next) -> Answer {
    if desk.token.as_ref().is_some_and(|token| !token.is_in(request.headers())) {
        let why = "this needs the token of the job: send it as `Authorization: Bearer TOKEN`";
        let mut response = refusal(StatusCode::UNAUTHORIZED, why).into_response();
        response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
        return Ok(response);
    }
    if is_of_a_page(request.method(), request.headers()) {
        let why = "a page in a browser cannot tell a job what to do: ask without the header `Origin`";
        return Err(refusal(StatusCode::FORBIDDEN, why));
    }
    let limit = match request.uri().path() {
        "/v1/savepoint" | "/v1/rebalance" => SAVEPOINT,
        _ => TIMEOUT,
    };
    tokio::time::timeout(limit, next.run(request)).await.map_err(|_| {
        let why = format!("there was no answer for {} seconds; what was asked for may happen yet", limit.as_secs());
        refusal(StatusCode::GATEWAY_TIMEOUT, why)
    })
}
async fn unknown(request: Request) -> Refusal {
    let why = format!(
        "there is nothing at `{}`: ask for /v1/status, /v1/plan, /v1/savepoint, /v1/target, /v1/rebalance, /v1/stop, /metrics, /healthz or /readyz",
        request.uri().path()
    );
    refusal(StatusCode::NOT_FOUND, why)
}
async fn wrong_method(request: Request) -> Refusal {
    let method = match request.uri().path() {
        "/v1/savepoint" | "/v1/rebalance" | "/v1/stop" => "POST",
        "/v1/target" => "PUT",
        _ => "GET",
    };
    refusal(StatusCode::METHOD_NOT_ALLOWED, format!("`{}` takes {method} only", request.uri().path()))
}

/// Reads a body, which is to be JSON like `example`.
fn read<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>, example: &str) -> Answer<T> {
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            refusal(StatusCode::PAYLOAD_TOO_LARGE, format!("the body has more than {BODY} bytes: send `{example}`"))
        }
        status => refusal(status, format!("the body could not be read: send `{example}`")),
    })?;
    let malformed = |error| refusal(StatusCode::BAD_REQUEST, format!("send JSON such as `{example}`: {error}"));
    serde_json::from_slice(&body).map_err(malformed)
}
/// Turns down what another process is to be asked for.
fn here(desk: &Desk) -> Answer<()> {
    desk.console.only_elsewhere().map_or(Ok(()), |why| Err(refusal(StatusCode::CONFLICT, why)))
}
/// Runs what may wait on a thread where nobody waits for it in turn.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| refusal(StatusCode::INTERNAL_SERVER_ERROR, "the job could not answer: its log may say why"))
}

async fn healthz(State(desk): State<Desk>) -> Answer {
    if desk.console.healthy() {
        return Ok(Json(json!({ "healthy": true })).into_response());
    }
    Err(refusal(StatusCode::SERVICE_UNAVAILABLE, "the job has failed: its log says why"))
}
async fn readyz(State(desk): State<Desk>) -> Answer {
    if desk.console.ready() {
        return Ok(Json(json!({ "ready": true })).into_response());
    }
    Err(refusal(StatusCode::SERVICE_UNAVAILABLE, "the job is not running: `/v1/status` says what it is doing"))
}
async fn status(State(desk): State<Desk>) -> Response {
    Json(desk.console.status()).into_response()
}
async fn plan(State(desk): State<Desk>, uri: Uri, headers: HeaderMap) -> Answer {
    let plan: PlanView = desk.console.plan();
    if plan.nodes.is_empty() {
        let why = "the pipeline is not built yet: ask again in a moment";
        return Err(refusal(StatusCode::SERVICE_UNAVAILABLE, why));
    }
    let accepts = |kind: &str| {
        let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|part| part.split(';').next().is_some_and(|p| p.trim() == kind))
    };
    let mut asked = uri.query().unwrap_or_default().split('&');
    match asked.find_map(|part| part.strip_prefix("format=")) {
        Some("mermaid") => Ok(plan.mermaid.into_response()),
        Some("json") => Ok(Json(plan).into_response()),
        Some(other) => {
            let why = format!("there is no format `{other}`: ask for `?format=json` or `?format=mermaid`");
            Err(refusal(StatusCode::BAD_REQUEST, why))
        }
        None if accepts("text/plain") && !accepts("application/json") => Ok(plan.mermaid.into_response()),
        None => Ok(Json(plan).into_response()),
    }
}
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Savepoint {
    name: String,
}
async fn savepoint(State(desk): State<Desk>, body: Result<Bytes, BytesRejection>) -> Answer {
    here(&desk)?;
    let Savepoint { name } = read(body, r#"{"name": "before-the-upgrade"}"#)?;
    check_name(&name).map_err(|why| refusal(StatusCode::BAD_REQUEST, why))?;
    let asked = name.clone();
    let Err(error) = aside(move || desk.console.savepoint(&asked)).await? else {
        return Ok(Json(json!({ "savepoint": name })).into_response());
    };
    let status = match error {
        // The name is taken, nothing is kept, or the job has ended: as it stands, it cannot be done.
        Error::Config(_) | Error::Snapshot { .. } => StatusCode::CONFLICT,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    Err(refusal(status, causes(&error)))
}
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    workers: usize,
}
async fn target(State(desk): State<Desk>, body: Result<Bytes, BytesRejection>) -> Answer {
    here(&desk)?;
    let Target { workers } = read(body, r#"{"workers": 4}"#)?;
    if workers == 0 {
        return Err(refusal(StatusCode::BAD_REQUEST, "a job needs at least one worker: ask for 1 or more"));
    }
    match aside(move || desk.console.target(workers)).await? {
        Ok(()) => Ok((StatusCode::ACCEPTED, Json(json!({ "workers": workers }))).into_response()),
        Err(error @ Error::Config(_)) => Err(refusal(StatusCode::BAD_REQUEST, causes(&error))),
        Err(error) => Err(refusal(StatusCode::NOT_IMPLEMENTED, causes(&error))),
    }
}
async fn rebalance(State(desk): State<Desk>) -> Answer {
    here(&desk)?;
    match aside(move || desk.console.rebalance()).await? {
        Ok(Moved { workers, groups, bytes, took, pause }) => Ok(Json(json!({
            "workers": workers,
            "groups": groups,
            "bytes": bytes,
            "duration_seconds": took.as_secs_f64(),
            "pause_seconds": pause.as_secs_f64(),
        }))
        .into_response()),
        Err(error @ Error::Config(_)) => Err(refusal(StatusCode::CONFLICT, causes(&error))),
        Err(error) => Err(refusal(StatusCode::SERVICE_UNAVAILABLE, causes(&error))),
    }
}
async fn stop(State(desk): State<Desk>) -> Answer {
    here(&desk)?;
    let stopped = desk.console.stop();
    stopped.map_err(|error| refusal(StatusCode::SERVICE_UNAVAILABLE, causes(&error)))?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "stopping": true }))).into_response())
}
async fn figures(State(desk): State<Desk>) -> Response {
    let text = metrics::render(&desk.console.gather());
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response()
}
/// An error and what led to it, in a line.
fn causes(error: &Error) -> String {
    format!("{error:?}").replace("\n  because: ", ": ")
}
