"""A WooCommerce store that people have lived in; without the plugin, a WordPress."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import httpx

from tests.e2e.lived_in import OWN_PRODUCT, LivedInStore
from tests.e2e.provisioner_harness import ProvisionerHarness
from tests.e2e.store_release import PNG
from tests.e2e.woocommerce import WooCommerceStore, has_plugin

TITLE, COLOR = "Bowls by Ada", "#123456"
KEYS = "/wp-admin/admin.php?page=wc-settings&tab=advanced&section=keys"
PRODUCTS_STEP = "/wp-json/wc/store/v1/products?per_page=1&stock_status=instock&type=simple answered without 0.id"
STOCK = (
    ("wp_postmeta", "meta_value", "where meta_key = '_stock'"),
    ("wp_wc_product_meta_lookup", "stock_quantity", ""),
)
# What plugins leave in the options: serialized values in serialized values, objects and JSON.
SCATTER = """
require "/srv/storewright/database.php";
$inner = serialize(["deep" => (object) ["url" => "URL/x"], "json" => json_encode(["HOST", "URL"])]);
$theirs = serialize(["url" => "URL", "inner" => $inner, "host" => "HOST", "like" => "my-HOST"]);
connect()->execute_query("INSERT INTO wp_options (option_name, option_value) VALUES ('their_plugin', ?)", [$theirs]);
"""
READ = """
require "/srv/storewright/database.php";
$value = connect()->query("SELECT option_value FROM wp_options WHERE option_name = 'their_plugin'")->fetch_column();
$theirs = unserialize($value);
$inner = unserialize($theirs["inner"]);
echo implode("|", [$theirs["url"], $inner["deep"]->url, $theirs["host"], $theirs["like"]]);
"""
POSTS_STEP = "/wp-json/wp/v2/posts?per_page=1 answered without 0.content.rendered"


class LivedInWooCommerce(LivedInStore[WooCommerceStore]):
    """A WooCommerce store with an order and a picture."""

    release = WooCommerceStore
    container = "php"
    settings: ClassVar = {"tasks": "Every hour"}
    breaking_migration = (
        "php8.4",
        "-r",
        """$names = ["HOST", "USER", "PASSWORD", "DATABASE"];
        $database = mysqli_connect(...array_map(fn($name) => getenv("MARIADB_$name"), $names));
        $database->query("rename table wp_options to former_options");""",
    )
    closed = "GET / answered 404"

    def __init__(self, harness: ProvisionerHarness) -> None:
        super().__init__(harness)
        self.sells = has_plugin()
        if self.sells:
            self.orders.add(self.buy())
        self.picture = self.shop.upload("dot.png", PNG)
        self.sold_out = self.changed = PRODUCTS_STEP if self.sells else POSTS_STEP

    def stock_up(self) -> None:
        if self.sells:
            for table, column, where in STOCK:
                self.shop.sql(f"update {table} set {column} = 10000 {where}")  # noqa: S608

    def buy(self) -> int:
        return int(self.shop.place_order()["order_id"])

    def visit(self) -> None:
        if self.sells:
            self.shop.store_api("/products?per_page=1")
        else:
            assert self.shop.request("/").status_code == 200

    def sell_out(self) -> None:
        """Set the stock of every product to 0. Without a shop, delete the posts."""
        with self.shop.rest_session() as owner:
            if self.sells:
                products = _get(owner, "/wc/v3/products?per_page=100&_fields=id")
                sold = [{"id": product["id"], "stock_quantity": 0} for product in products]
                _post(owner, "/wc/v3/products/batch", {"update": sold})
            else:
                _delete_all(owner, "/wp/v2/posts")

    def change_everything(self) -> None:
        with self.shop.rest_session() as owner:
            _change_site(owner)
            if self.sells:
                _sell_own_products_only(owner)
                self._rotate_key(owner)
            self._change_password(owner)

    def _rotate_key(self, owner: httpx.Client) -> None:
        """Revoke the API key, and make another; with the forms of the admin."""
        revoke = re.search(r'href="([^"]+revoke-key=[^"]+)"', owner.get(KEYS).text)
        assert revoke
        path = revoke[1].replace("&#038;", "&").replace("&amp;", "&").removeprefix(self.shop.url)
        assert "revoked=1" in owner.get(path).headers["location"]
        nonce = re.search(r'"update_api_nonce":"(\w+)"', owner.get(f"{KEYS}&create-key=1").text)
        assert nonce
        form = {"action": "woocommerce_update_api_key", "security": nonce[1], "user": "1", "permissions": "read_write"}
        made = owner.post("/wp-admin/admin-ajax.php", data=form | {"description": "Mobile app"}).json()["data"]
        key = {"api-key": made["consumer_key"], "api-secret": made["consumer_secret"]}
        self.shop = replace(self.shop, secret=self.shop.secret | key)

    def _change_password(self, owner: httpx.Client, **changes: str) -> None:
        password = secrets.token_hex(12)
        _post(owner, "/wp/v2/users/me", {"password": password, **changes})
        self.shop = replace(self.shop, secret=self.shop.secret | {"admin-password": password})

    def close(self) -> None:
        """Make the home page a draft."""
        with self.shop.rest_session() as owner:
            home = _get(owner, "/wp/v2/settings")["page_on_front"]
            _post(owner, f"/wp/v2/pages/{home}", {"status": "draft"})
        self.home_status = 404

    def scatter_address(self) -> None:
        self.shop.php(SCATTER.replace("URL", self.shop.url).replace("HOST", self.shop.host))

    def dump(self, shop: WooCommerceStore) -> str:
        command = ("mariadb-dump", "--socket=/run/mysqld/mysqld.sock", "store")
        return shop.kubectl("exec", f"statefulset/{shop.name}-database", "--", *command)

    def require_own(self, clone: WooCommerceStore) -> None:
        with clone.rest_session() as owner:
            assert _get(owner, "/wp/v2/users/me?context=edit")["roles"] == ["administrator"]
        assert clone.sql("select option_value from wp_options where option_name = 'blog_public'") == ["0"]
        kept = clone.php(READ).split("|")
        assert kept == [clone.url, f"{clone.url}/x", clone.host, f"my-{self.shop.host}"]
        if self.sells:
            assert self.orders <= set(clone.orders())
            assert not any(gateway["enabled"] for gateway in clone.rest_api("/payment_gateways"))
            assert clone.sql("select description from wp_woocommerce_api_keys") == ["Storewright"]

    def require_settings(self) -> None:
        assert self.shop.get_object("cronjob", f"{self.name}-cron")["spec"]["schedule"] == "0 * * * *"

    def placed(self) -> list[int]:
        return self.shop.orders("processing") if self.sells else []

    def require_owner(self) -> None:
        with self.shop.admin_session() as owner:
            assert owner.get("/wp-admin/").status_code == 200

    def lose_account(self) -> None:
        """The account has another name, and keeps its e-mail and its API key."""
        self.shop.sql("update wp_users set user_login = 'ada' where user_login = 'admin'")

    def change_login(self) -> None:
        with self.shop.rest_session() as owner:
            self._change_password(owner, email="ada.owner@example.com")

    def signed_in(self) -> Callable[[], bool]:
        with self.shop.admin_session() as owner:
            cookies = httpx.Cookies(owner.cookies)
        shop = self.shop
        return lambda: shop.request("/wp-admin/", cookies=cookies).status_code == 200

    def require_changes(self) -> None:
        page = self.shop.request("/").text
        assert TITLE in page
        assert f"--wp--preset--color--accent-1: {COLOR}" in page
        assert self.shop.request("/about/").status_code == 404
        with self.shop.rest_session() as owner:
            assert _get(owner, "/wp/v2/posts") == []
            if self.sells:
                assert [product["name"] for product in _get(owner, "/wc/v3/products")] == [OWN_PRODUCT]


def _change_site(owner: httpx.Client) -> None:
    """Change name and colour, delete the sample texts, and make another home page."""
    _delete_all(owner, "/wp/v2/posts")
    _delete_all(owner, "/wp/v2/pages", "?slug=about")
    home = _post(owner, "/wp/v2/pages", {"title": "Bowls", "status": "publish", "content": "<p>Made to order.</p>"})
    _post(owner, "/wp/v2/settings", {"title": TITLE, "page_on_front": home["id"]})
    theme = _get(owner, "/wp/v2/themes?status=active")[0]
    styles = theme["_links"]["wp:user-global-styles"][0]["href"].partition("/wp-json")[2]
    palette = _get(owner, f"{styles}?context=edit")["settings"]["color"]["palette"]["theme"]
    changed = [color | ({"color": COLOR} if color["slug"] == "accent-1" else {}) for color in palette]
    _post(owner, styles, {"settings": {"color": {"palette": {"theme": changed}}}})


def _delete_all(owner: httpx.Client, kind: str, only: str = "") -> None:
    for found in _get(owner, f"{kind}{only}"):
        _json(owner.delete(f"/wp-json{kind}/{found['id']}?force=true"))


def _sell_own_products_only(owner: httpx.Client) -> None:
    """Delete the sample products, and offer one of one's own that is not in stock."""
    samples = [product["id"] for product in _get(owner, "/wc/v3/products?per_page=100&_fields=id")]
    bowl = {"name": OWN_PRODUCT, "regular_price": "30", "manage_stock": True, "stock_quantity": 0}
    _post(owner, "/wc/v3/products/batch", {"delete": samples, "create": [bowl]})


def _get(owner: httpx.Client, path: str) -> Any:
    return _json(owner.get(f"/wp-json{path}"))


def _post(owner: httpx.Client, path: str, content: dict[str, Any]) -> Any:
    return _json(owner.post(f"/wp-json{path}", json=content))


def _json(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()
