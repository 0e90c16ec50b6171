//! Routes: a method, a path, and what answers them, in one value.

use futures::future::LocalBoxFuture;
use shared::api::{Problem, ProblemKind};

use super::{Answer, Answered, Request};
use crate::sandbox::Invocation;

type Handler<F> = for<'a> fn(&'a F, &'a Request, Invocation) -> LocalBoxFuture<'a, Answered>;

/// A route of the function `F`.
pub struct Route<F> {
    /// The HTTP method, in capitals.
    pub method: &'static str,
    /// The path as API Gateway names the resource, such as `/users/{user_id}`.
    pub path: &'static str,
    takes_parameters: bool,
    handler: Handler<F>,
}

impl<F> Route<F> {
    /// A route that refuses query parameters.
    pub const fn new(method: &'static str, path: &'static str, handler: Handler<F>) -> Self {
        Self { method, path, takes_parameters: false, handler }
    }

    /// The same route, whose handler reads the query parameters.
    #[must_use]
    pub const fn with_parameters(self) -> Self {
        let Self { method, path, handler, .. } = self;
        Self { method, path, takes_parameters: true, handler }
    }
}

/// Answers a request by the route that fits it. If none does, the answer is 405 if the path has another
/// method, and 404 if there is no such path.
pub async fn answer<F>(
    routes: &[Route<F>],
    function: &F,
    request: &Request,
    invocation: Invocation,
) -> Answered {
    let (method, path) = request.route();
    let of_path = || routes.iter().filter(|route| route.path == path);
    let Some(route) = of_path().find(|route| route.method == method) else {
        let methods: Vec<&str> = of_path().map(|route| route.method).collect();
        if methods.is_empty() {
            return Err(Problem::new(ProblemKind::NotFound, "this function has no such route"));
        }
        return Ok(Answer::from(Problem::from(ProblemKind::MethodNotAllowed)).allow(&methods));
    };
    if !route.takes_parameters {
        request.no_query()?;
    }
    (route.handler)(function, request, invocation).await
}
