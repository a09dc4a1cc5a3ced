"""tap-pinterest-login: connects an account in the browser and keeps its tokens."""

from __future__ import annotations

import contextlib
import logging
import re
import signal
import sys
import webbrowser
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import click

from tap_pinterest import choosing, cli, settings
from tap_pinterest.consent import Consent, scopes_of
from tap_pinterest.errors import TapError
from tap_pinterest.landing import forwarding, wait_for_browser
from tap_pinterest.network.settled import settled, wait_for_it
from tap_pinterest.shown import keep_secret, shown
from tap_pinterest.writer import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

Function = TypeVar("Function", bound="Callable[..., Any]")

logger = logging.getLogger("tap-pinterest")

SHARED = ("client_id", "client_secret", "refresh_token", "token_store", "api_url")
"""Settings of the tap that are options here, and are read from its configuration too."""


STORE = "~/.tap-pinterest/tokens.json"
"""The token store where the user names none."""


def _read_config(ctx: click.Context, _: click.Parameter, paths: tuple[str, ...]) -> None:
    """Let configuration files stand in for options that are not given."""
    config = cli.read_configs(paths)
    for name in SHARED:
        if not isinstance(config.get(name), str | None):  # of which click would make a text
            raise TapError(f"Setting `{name}`: expected text, in quotes.")
    ctx.default_map = {name: value for name, value in config.items() if name in SHARED and value}


def _choose(_: click.Context, __: click.Parameter, text: str | None) -> choosing.Streams:
    return choosing.selected() if text is None else choosing.named(text)


def _address(_: click.Context, __: click.Parameter, url: str) -> str:
    if not re.fullmatch("https?://[!-~]+", url):
        raise click.BadParameter(f"{url!r} is no address such as https://www.pinterest.com/oauth/.")
    return url


def _setting(
    name: str, ask: str | None = None, otherwise: str | None = None, **attributes: Any
) -> Callable[[Function], Function]:
    """An option for a setting of the tap; `TAP_PINTEREST_…` in the environment gives it too.

    Args:
        name: The setting.
        ask: What the user is asked where nothing gives it. click's own `prompt` would also ask,
            and show the answer, where the configuration gives it.
        otherwise: What is taken where the user answers nothing, or cannot be asked.
        attributes: Of the option.
    """
    secret = settings.SETTINGS["properties"][name].get("secret", False)
    option, variable = f"--{name.replace('_', '-')}", f"{settings.PREFIX}{name.upper()}"

    def value(context: click.Context, _: click.Parameter, given: str | None) -> str | None:
        if not given and ask and not context.resilient_parsing:  # as a shell does that completes
            given = _prompt(ask, default=otherwise, hide_input=secret) or otherwise
            if given is None:
                raise click.UsageError(
                    f"There is no terminal to ask at: give {option}, or set {variable} in the "
                    "environment or a configuration file (--config)."
                )
        if given and secret:
            keep_secret(given.strip())
        return given.strip() if given else None

    return click.option(option, envvar=variable, callback=value, **attributes)


@click.command(cls=cli.Command, logger=logger)
@click.option(
    "--config",
    multiple=True,
    metavar="FILE",
    is_eager=True,
    expose_value=False,
    callback=_read_config,
    help="The tap's configuration, from which settings are taken, or ENV for the file .env of this "
    "folder; may be repeated.",
)
@_setting("client_id", "Id of your Pinterest app", help="Id of your Pinterest app.")
@_setting(
    "client_secret",
    "Secret key of your Pinterest app (it is not shown)",
    help="Secret key of your Pinterest app; better typed when asked for.",
)
@_setting(
    "token_store",
    "File that is to keep the tokens",
    STORE,
    metavar="PATH",
    help=f"File that is to keep the tokens: the tap's setting `token_store`. Without it: {STORE}.",
)
@_setting("refresh_token", hidden=True)
@_setting("api_url", default=settings.SETTINGS["properties"]["api_url"]["default"], hidden=True)
@click.option(
    "--streams",
    callback=_choose,
    metavar="A,B,C",
    help="Streams whose scopes are asked for, or `organic`, `ads`, `everything`; without it, those "
    "that Meltano selects, or those selected by default.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8085,
    show_default=True,
    help="Port of the redirect URI http://localhost:PORT/, which must be registered with the app.",
)
@click.option(
    "--browser/--no-browser",
    default=True,
    help="Open the browser here, or show the address and take the redirect's address by paste.",
)
@click.option(
    "--timeout",
    type=click.IntRange(1, 86_400),
    default=300,
    show_default=True,
    help="Seconds to wait for the browser.",
)
@click.option(
    "--replace",
    is_flag=True,
    help="Replace another account's tokens in the token store without asking.",
)
@click.option(
    "--consent-url",
    callback=_address,
    default="https://www.pinterest.com/oauth/",
    show_default=True,
    help="Address of the consent page.",
)
def main(
    *,
    streams: choosing.Streams,
    port: int,
    browser: bool,
    timeout: int,
    replace: bool,
    consent_url: str,
    **given: Any,
) -> None:
    """Connect a Pinterest account in the browser, and keep its tokens for the tap."""
    schema = settings.SETTINGS["properties"]
    config = {name: rest["default"] for name, rest in schema.items() if "default" in rest} | given
    if problems := settings.problems(config):
        raise TapError(" ".join(problems))
    asked = frozenset().union(*map(scopes_of, streams))
    consent = Consent(config, asked, port, consent_url, replace=replace)
    consent.handover.rehearse()
    click.echo(f"Redirect URI, to be registered with your app exactly so: {consent.redirect_uri}")
    click.echo(f"\nGive access on Pinterest's page:\n\n{consent.url}\n")
    with _interruptible(consent):
        if browser:
            with forwarding(consent.url) as address:
                wait_for_browser(
                    port, consent.finish, listening=lambda: _open(address), timeout=timeout
                )
        else:
            consent.finish(_query(_pasted()))
        if consent.replaced:
            _agree(consent)
            settled(consent.keep)
    for label, text in consent.report():
        cli.show(label, text, widths=(12,))
    click.echo(
        "\nThe tap needs the settings `client_id`, `client_secret` and `token_store` now; the last "
        f"is {shown(given['token_store'])}."
    )


@contextlib.contextmanager
def _interruptible(consent: Consent) -> Generator[None]:
    """Let signals end the login with a sentence; the exchange of a code is settled all the same."""

    def end(number: int, _: object) -> None:
        raise Interrupted(number)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:  # as nohup leaves it
            signal.signal(number, end)
    try:
        yield
    except (Interrupted, KeyboardInterrupt, click.Abort) as exc:
        wait_for_it()
        signum = exc.number if isinstance(exc, Interrupted) else signal.SIGINT
        raise Interrupted(signum, consent.handover.so_far) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _agree(consent: Consent) -> None:
    """Ask whether the tokens of another account may be replaced.

    Raises:
        TapError: They may not.
    """
    store, old = shown(str(consent.handover.store.path)), consent.replaced
    new = shown(consent.account.name or consent.account.described)
    question = f"{store} has the tokens of {old}. Replace them with those of {new}, y or n?"
    if (_prompt(question, default="n") or "").strip().lower() not in {"y", "yes"}:
        consent.handover.decline()
        raise TapError(
            f"{store} still has the tokens of {old}; those of {new} were not kept. Name another "
            "file with --token-store, or give --replace, and run the login again."
        )


def _pasted() -> str:
    click.echo("The browser ends on a page that cannot be shown.")
    address = _prompt("Copy the whole address of that page and paste it here")
    if address is None:
        raise TapError(
            "There is no terminal to paste the address into. Run the login in one (`docker run "
            "-it …` gives a container one), or on another machine, and copy the token store."
        )
    return address


def _prompt(question: str, *, default: str | None = None, hide_input: bool = False) -> str | None:
    """Ask the user; None where nobody can be asked."""
    if sys.stdin is None:
        return None
    try:
        # On a line of its own: Meltano passes on whole lines only.
        answer = click.prompt(question, default=default, hide_input=hide_input, prompt_suffix=":\n")
    except UnicodeDecodeError:
        raise TapError("What was typed is no text (UTF-8). Run the login again.") from None
    except click.Abort as exc:
        if isinstance(exc.__context__, EOFError):
            return None
        raise
    return str(answer)


def _open(url: str) -> None:
    opened = False
    with contextlib.suppress(OSError, ValueError, webbrowser.Error):  # of what BROWSER says
        opened = webbrowser.open(url)
    if not opened:
        click.echo("No browser could be opened: open the address yourself, on this machine.")


def _query(address: str) -> dict[str, str]:
    try:
        address.encode()  # or it was no UTF-8
        query = dict(parse_qsl(urlsplit(address.strip()).query))
    except ValueError:
        query = {}
    if not query:
        raise TapError(
            "This is not the address that the browser was sent to: it begins with "
            "http://localhost and holds `state=` and `code=`. Run the login again."
        )
    return query


if __name__ == "__main__":
    main()
