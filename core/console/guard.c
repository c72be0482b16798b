/*
 * What the context lets happen.
 */
#include "core/console/guard.h"

#include <pwd.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/console/api.h"
#include "core/console/context.h"

static bool agreed_to;
static char *reason_text;

void guard_agree(bool agreed)
{
	agreed_to = agreed;
}

void guard_reason(const char *reason)
{
	free(reason_text);
	reason_text = xstrdup(reason);
}

int guard_change(const char *what, struct error *err)
{
	const char *name = context_now()->name;

	if (context_is_readonly()) {
		error_set(err, ERR_REFUSED, what, "the context %s is read-only", name);
		error_hint(err, "--dry-run shows what would be done");
		return ERR_REFUSED;
	}
	if (!context_is_protected() || agreed_to)
		return 0;
	error_set(err, ERR_REFUSED, what, "the context %s is protected, and the change was not confirmed",
		  name);
	error_hint(err, "--yes confirms it; on a terminal the context's name is asked for as well");
	return ERR_REFUSED;
}

int guard_local(const char *what, struct error *err)
{
	if (context_is_local())
		return 0;
	error_set(err, ERR_REFUSED, what, "needs the machine itself, and the context %s is remote",
		  context_now()->name);
	error_hint(err, "run it there, or choose a context of this machine with -C");
	return ERR_REFUSED;
}

static const char *user_name(void)
{
	const struct passwd *user = getpwuid(geteuid());

	return user != NULL ? user->pw_name : "unknown";
}

static const char *host_name(char host[256])
{
	return gethostname(host, 255) == 0 && host[0] != '\0' ? host : "localhost";
}

void guard_actor(struct buf *out)
{
	char host[256] = "";

	buf_addf(out, "%s@%s", user_name(), host_name(host));
}

void guard_actor_header(struct buf *out)
{
	char host[256] = "";

	buf_adds(out, "X-Pizza-Actor: ");
	api_encode(out, user_name());
	buf_addc(out, '@');
	api_encode(out, host_name(host));
}

void guard_reason_header(struct buf *out)
{
	if (reason_text == NULL)
		return;
	buf_adds(out, "X-Pizza-Reason: ");
	api_encode(out, reason_text);
}
