//! `DELETE /users/{id}/authentication/{segment}/{method}`.

use std::time::Duration;

use super::users::reachable;
use crate::{
    answer::{Handled, Refusal, Success},
    audit::NewEvent,
    call::Call,
    method::{MethodKind, PhoneType},
    permissions::Granted,
    standing::Standing,
    state::State,
};

/// The permissions that cover one kind only.
const FINER: [(&str, &str); 3] = [
    ("phoneMethods", "UserAuthMethod-Phone.ReadWrite.All"),
    ("microsoftAuthenticatorMethods", "UserAuthMethod-MicrosoftAuthApp.ReadWrite.All"),
    ("softwareOathMethods", "UserAuthMethod-SoftwareOATH.ReadWrite.All"),
];

pub(super) fn finer_permission(granted: &Granted, segment: &str) -> bool {
    FINER.iter().any(|(kind, role)| *kind == segment && granted.has(&[role]))
}

pub(super) fn method(
    state: &mut State,
    granted: &Granted,
    (user, segment, id): (&str, &str, &str),
    call: &Call,
) -> Handled {
    if segment == "methods" || segment == "passwordMethods" {
        return Err(Refusal::method_not_allowed());
    }
    if !finer_permission(granted, segment) {
        granted.require(&["UserAuthenticationMethod.ReadWrite.All"])?;
    }
    call.only(&[])?;
    state.options.faults.standing.map_or(Ok(()), Standing::refuses_delete)?;
    let now = state.now();
    let account = reachable(state, user)?;
    let kind = account
        .methods
        .iter()
        .find(|method| method.id == id && method.kind().segment().as_deref() == Some(segment))
        .map(|method| method.kind().clone())
        .ok_or_else(Refusal::no_method)?;
    if !kind.can_be_deleted() {
        return Err(Refusal::method_not_allowed());
    }
    if kind == MethodKind::Phone(PhoneType::Mobile) && account.has_alternate_mobile() {
        let message = "Cannot delete mobile number without first deleting alternate mobile number.";
        return Err(Refusal::methods(message));
    }
    if account.is_blocked_default(id, now) {
        let message = if state.chance.bool() {
            format!(
                "The requested authentication method id of [{id}] matches the user's current default authentication method, and cannot be deleted until the default authentication method is changed"
            )
        } else {
            "Cannot delete default method with other methods configured. Please change default method before deletion.".to_owned()
        };
        return Err(Refusal::methods(message));
    }
    let user = account.id;
    remove(state, user, id);
    Ok(Success::NoContent)
}

fn remove(state: &mut State, user: uuid::Uuid, id: &str) {
    let now = state.now();
    let shows_for = state.options.removal_delay + state.draw(Duration::ZERO..=state.options.removal_spread);
    let Some(account) = state.accounts.get_mut(&user) else {
        return;
    };
    if account.remove(id, now, shows_for).is_none() {
        return;
    }
    let event = NewEvent::new("Admin deleted security info", now)
        .reason("Admin deleted authentication method for user")
        .app_actor(state.options.client_id, "Rollback")
        .target(user, &account.user.user_principal_name)
        .visible_at(now + Duration::from_mins(3));
    let (at, visible_at, record) = event.complete(&mut state.chance);
    state.audit.add(at, visible_at, record);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use crate::{
        MethodKind, NewMethod, PASSWORD_ID, PhoneType,
        testing::{Client, client, mobile, options, wait},
    };

    fn path(user: Uuid, segment: &str, id: &str) -> String {
        format!("/v1.0/users/{user}/authentication/{segment}/{id}")
    }

    async fn listed(client: &Client, user: Uuid) -> usize {
        client.get(&format!("/beta/users/{user}/authentication/methods")).await.items().len()
    }

    #[tokio::test(start_paused = true)]
    async fn a_deleted_method_is_gone_but_shows_for_a_while() {
        let client = client(options()).await;
        let user = client.user("ada");
        let phone = client.tenant.register(user, mobile());
        assert_eq!(client.delete(&path(user, "phoneMethods", &phone)).await.status, 204);
        assert!(!client.tenant.user(user).unwrap().has_strong_methods());
        assert_eq!(listed(&client, user).await, 2);
        assert_eq!(client.delete(&path(user, "phoneMethods", &phone)).await.status, 404);
        wait(10).await;
        assert_eq!(listed(&client, user).await, 1);
        let last = client.tenant.events().pop().unwrap();
        assert_eq!(last["activityDisplayName"], "Admin deleted security info");
        assert!(last["initiatedBy"]["user"].is_null());
    }

    #[tokio::test(start_paused = true)]
    async fn how_long_a_deleted_method_shows_is_drawn() {
        let mut uneven = options();
        (uneven.removal_delay, uneven.removal_spread) = (Duration::from_secs(3), Duration::from_secs(7));
        let client = client(uneven).await;
        let user = client.user("ada");
        let mut shown = std::collections::BTreeSet::new();
        for _ in 0..20 {
            let phone = client.tenant.register(user, mobile());
            client.delete(&path(user, "phoneMethods", &phone)).await;
            let mut seconds = 0;
            while listed(&client, user).await == 2 {
                wait(1).await;
                seconds += 1;
            }
            shown.insert(seconds);
        }
        assert!(shown.len() > 3 && shown.iter().all(|seconds| (3..=10).contains(seconds)), "{shown:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_default_goes_last_and_only_when_the_others_have_settled() {
        let client = client(options()).await;
        let user = client.user("ada");
        let phone = client.tenant.register(user, mobile());
        let app = client.tenant.register(user, NewMethod::authenticator());
        let phone = path(user, "phoneMethods", &phone);
        let mut wordings = std::collections::HashSet::new();
        for _ in 0..20 {
            let refused = client.delete(&phone).await;
            assert_eq!((refused.status, refused.code().as_str()), (400, "badRequest"));
            wordings.insert(refused.json()["error"]["message"].as_str().unwrap().to_owned());
        }
        assert_eq!(wordings.len(), 2);
        assert!(
            wordings.iter().any(|text| {
                text.starts_with("Cannot delete default method with other methods configured.")
            })
        );
        assert_eq!(client.delete(&path(user, "microsoftAuthenticatorMethods", &app)).await.status, 204);
        assert_eq!(client.delete(&phone).await.status, 400);
        wait(10).await;
        assert_eq!(client.delete(&phone).await.status, 204);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hardware_token_keeps_the_default_from_going() {
        let client = client(options()).await;
        let user = client.user("ada");
        let phone = client.tenant.register(user, mobile());
        client.tenant.add_method(user, NewMethod::new(MethodKind::HardwareOath));
        assert_eq!(client.delete(&path(user, "phoneMethods", &phone)).await.status, 400);
        let other = client.user("ben");
        let phone = client.tenant.register(other, mobile());
        client.tenant.add_method(other, NewMethod::new(MethodKind::Fido2));
        assert_eq!(client.delete(&path(other, "phoneMethods", &phone)).await.status, 204);
    }

    #[tokio::test(start_paused = true)]
    async fn the_alternate_number_goes_before_the_mobile_one() {
        let client = client(options()).await;
        client.tenant.set_removal_delay(Duration::ZERO);
        let user = client.user("ada");
        let first = client.tenant.register(user, mobile());
        let second =
            client.tenant.register(user, NewMethod::phone(PhoneType::AlternateMobile, "+1 2535550100"));
        client.tenant.register(user, NewMethod::authenticator().as_default());
        let refused = client.delete(&path(user, "phoneMethods", &first)).await;
        assert_eq!(refused.status, 400);
        assert!(refused.text.contains("without first deleting alternate mobile number"));
        assert_eq!(client.delete(&path(user, "phoneMethods", &second)).await.status, 204);
        assert_eq!(client.delete(&path(user, "phoneMethods", &first)).await.status, 204);
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_deleted_stays() {
        let client = client(options()).await;
        let user = client.user("ada");
        let phone = client.tenant.register(user, mobile());
        let unknown =
            client.tenant.add_method(user, NewMethod::new(MethodKind::Unknown("retinaScan".into())));
        for (segment, id, status) in [
            ("methods", phone.as_str(), 405),
            ("passwordMethods", PASSWORD_ID, 405),
            ("softwareOathMethods", &phone, 404),
            ("phoneMethods", "b6332ec1-7057-4abe-9331-3d72feddfe41", 404),
            ("retinaScanMethods", &unknown, 400),
            ("requirements", &phone, 400),
        ] {
            assert_eq!(client.delete(&path(user, segment, id)).await.status, status, "{segment}");
        }
        let list = format!("/v1.0/users/{user}/authentication/phoneMethods");
        assert_eq!(client.delete(&list).await.status, 405);
        assert_eq!(client.tenant.user(user).unwrap().methods.len(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn reading_is_not_writing() {
        let mut options = options();
        options.permissions = vec!["UserAuthenticationMethod.Read.All".to_owned()];
        let client = client(options).await;
        let user = client.user("ada");
        let phone = client.tenant.register(user, mobile());
        let reply = client.delete(&path(user, "phoneMethods", &phone)).await;
        assert_eq!((reply.status, reply.code().as_str()), (403, "Authorization_RequestDenied"));
        assert!(client.tenant.user(user).unwrap().has_strong_methods());
    }

    #[tokio::test(start_paused = true)]
    async fn a_number_registered_anew_has_the_same_id_and_shows_once() {
        let client = client(options()).await;
        let user = client.user("ada");
        let phone = client.tenant.register(user, mobile());
        client.delete(&path(user, "phoneMethods", &phone)).await;
        assert_eq!(client.tenant.register(user, mobile()), phone);
        assert_eq!(listed(&client, user).await, 2);
        assert_eq!(client.delete(&path(user, "phoneMethods", &phone)).await.status, 204);
    }
}
