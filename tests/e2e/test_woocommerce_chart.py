"""The WooCommerce chart, installed by Helm alone: pages, orders, restarts, crashes, upgrades and deletion."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import httpx
import pytest

from dev.cluster import Cluster
from provisioner.clients.kubernetes.objects import is_ready
from provisioner.clients.storefront_check import StorefrontClient
from provisioner.domain.catalog import Catalog
from tests.e2e import woocommerce
from tests.e2e.store_release import CHARTS, PNG, process_id
from tests.e2e.woocommerce import WooCommerceStore, has_plugin, require_plugin
from tests.waiting import until

NAME = "woo-shop"
DISPLAY_NAME = 'O\'Neil & "Sons"'


@pytest.fixture(scope="module")
def store(cluster: Cluster) -> Iterator[WooCommerceStore]:
    """A store whose name and passwords need quoting everywhere; removed at the end."""
    awkward = {
        "admin-user": "o.neil",
        "admin-email": "o'neil@example.com",
        "admin-password": 'it\'s \\ "quoted" $HOME; drop table store --',
        "database-password": "p'w\\ \"@:/?#%",
    }
    with woocommerce.store(cluster, NAME, **awkward) as release:
        release.install(store={"displayName": DISPLAY_NAME, "color": "#6b4c9a", "logo": "/logo.svg"})
        yield release


def test_home_page_shows_name_logo_and_colour(store: WooCommerceStore) -> None:
    page = store.request("/").text
    assert "O&#039;Neil &amp; &quot;Sons&quot;" in page
    assert 'class="site-logo" src="/logo.svg"' in page
    assert "--wp--preset--color--accent-1: #6b4c9a" in page
    assert "How a bowl begins" in page


def test_story_page_and_its_picture_are_served(store: WooCommerceStore) -> None:
    assert "How a bowl begins</h1>" in store.request("/how-a-bowl-begins/").text
    picture = store.request("/wp-content/uploads/story-clay.webp")
    assert (picture.status_code, picture.headers["Content-Type"]) == (200, "image/webp")


def test_prices_have_the_countrys_format(store: WooCommerceStore) -> None:
    require_plugin()
    page = store.request("/shop/").text
    assert "Stoneware mug" in page
    assert "18,00" in page
    assert "€" in page


@pytest.mark.parametrize(
    "path",
    [
        "/nothing-here/",
        "/wp-config.php",
        "/.htaccess",
        "/xmlrpc.php",
        "/wp-admin/install.php",
        "/wp-content/uploads/wc-logs/",
        "/wp-content/uploads/woocommerce_uploads/index.html",
        "/wp-cron.php",
        "/%3Cscript%3E",
    ],
)
def test_internal_and_unknown_paths_have_status_404(store: WooCommerceStore, path: str) -> None:
    assert store.request(path).status_code == 404


def test_login_with_a_wrong_password_is_refused(store: WooCommerceStore) -> None:
    with pytest.raises(AssertionError, match="is incorrect"), store.admin_session(password="guess"):
        pass


def test_owner_logs_in_to_an_admin_without_set_up_notices(store: WooCommerceStore) -> None:
    with store.admin_session() as owner:
        dashboard = owner.get("/wp-admin/")
        assert dashboard.status_code == 200
        assert "wp-admin-bar-my-account" in dashboard.text
        assert "update-nag" not in dashboard.text
        assert owner.get("/wp-admin/plugin-install.php").status_code == 403


def test_database_refuses_other_passwords_and_users(store: WooCommerceStore) -> None:
    for user, password in {"store": "guess", "root": "", "mysql": ""}.items():
        code = f'mysqli_report(0); echo @mysqli_connect(getenv("MARIADB_HOST"), "{user}", "{password}") ? "in" : "out";'
        assert store.php(code) == "out", user


def test_storefront_check_passes_and_leaves_no_order(store: WooCommerceStore) -> None:
    with StorefrontClient(store.url, store.cluster.ingress_address, {"secret": store.secret}) as visitor:
        visitor.run(Catalog(CHARTS).get("woocommerce").check)
    assert ("cart" in visitor.variables) == has_plugin()
    if has_plugin():
        assert store.orders() == []


def test_order_reduces_the_stock_and_is_listed_in_the_admin(store: WooCommerceStore) -> None:
    require_plugin()
    product = store.product_in_stock()
    before = store.rest_api(f"/products/{product['id']}")["stock_quantity"]
    bought = store.place_order()
    assert store.rest_api(f"/products/{product['id']}")["stock_quantity"] == before - 1
    order = store.rest_api(f"/orders/{bought['order_id']}")
    assert (order["status"], order["payment_method"], order["currency"]) == ("processing", "cod", "EUR")
    assert [line["product_id"] for line in order["line_items"]] == [product["id"]]
    assert float(order["total"]) > 0
    with store.admin_session() as owner:
        listed = owner.get("/wp-admin/admin.php?page=wc-orders").text
    assert f"#{bought['order_number']}" in listed


def test_helm_test_places_one_order(store: WooCommerceStore) -> None:
    before = store.orders() if has_plugin() else []
    assert "Succeeded" in store.run("helm", "test", NAME, "--timeout=120s")
    if has_plugin():
        assert len(store.orders()) == len(before) + 1


def test_pods_run_as_their_users_with_read_only_file_systems(store: WooCommerceStore) -> None:
    """The namespace enforces Pod Security *restricted*; this tests the rest."""
    for component, uid in {"application": 33, "database": 999}.items():
        assert store.pod(component)["spec"]["securityContext"]["runAsUser"] == uid
    for where in (f"deployment/{NAME}", f"statefulset/{NAME}-database"):
        refused = store.attempt("kubectl", "exec", where, "--", "sh", "-c", "echo x >/etc/x")
        assert "Read-only file system" in refused.stderr


def test_release_logs_and_command_lines_contain_no_secret(store: WooCommerceStore) -> None:
    release = store.run("helm", "get", "all", NAME)
    logs = store.kubectl("logs", f"deployment/{NAME}", "--all-containers")
    logs += store.kubectl("logs", f"statefulset/{NAME}-database")
    commands = store.kubectl("exec", f"statefulset/{NAME}-database", "--", "cat", "/proc/1/cmdline")
    for key in store.secret.keys() - {"admin-email", "admin-user"}:
        for text in (release, logs, commands):
            assert store.secret[key] not in text, key


def test_cron_job_runs_the_due_tasks(store: WooCommerceStore) -> None:
    store.kubectl("create", "job", "--from", f"cronjob/{NAME}-cron", "due-now")
    store.kubectl("wait", "--for=condition=complete", "job/due-now", "--timeout=60s")
    until("no task is overdue", lambda: _overdue(store) == 0)


def _overdue(store: WooCommerceStore) -> int:
    code = (
        '$_SERVER["HTTP_HOST"] = "x"; require "/srv/wordpress/wp-load.php";'
        "echo count(array_filter(array_keys(_get_cron_array()), fn ($at) => $at < time() - 5));"
    )
    return int(store.php(code))


def test_metrics_are_served_inside_the_pod_only(store: WooCommerceStore) -> None:
    code = 'echo file_get_contents("http://127.0.0.1:9253/metrics");'
    assert "phpfpm_accepted_connections" in store.php(code)
    assert store.request("/metrics").status_code == 404
    assert store.request("/status").status_code == 404


def test_orders_and_uploads_survive_a_restart(store: WooCommerceStore) -> None:
    before = store.orders() if has_plugin() else []
    picture = store.upload("a-dot.png", PNG)
    assert store.request(picture).content == PNG
    old = store.pod("application")["metadata"]["uid"]
    store.kubectl("rollout", "restart", f"deployment/{NAME}")
    store.kubectl("rollout", "status", f"deployment/{NAME}", "--timeout=90s")
    assert store.pod("application")["metadata"]["uid"] != old
    until("the store answers again", store.answers)
    assert store.request(picture).content == PNG
    assert "database kept" in store.kubectl("logs", f"deployment/{NAME}", "-c", "php")
    if has_plugin():
        assert store.orders() == before


@pytest.mark.skipif("KUBE_CONTEXT" in os.environ, reason="the processes of another cluster can't be killed")
def test_orders_and_posts_survive_a_database_crash(store: WooCommerceStore) -> None:
    order = store.place_order()["order_id"] if has_plugin() else None
    posts = store.sql("select count(*) from wp_posts")
    os.kill(process_id(store.pod("database"), b"mariadbd"), signal.SIGKILL)
    until("the kubelet restarts it", lambda: store.restarts("database") == 1)
    until("the database is ready again", lambda: is_ready(store.pod("database")))
    until("the store answers again", store.answers)
    assert store.sql("select count(*) from wp_posts") == posts
    if order:
        assert order in store.orders()


def test_killed_first_start_is_repeated_and_concurrent_starts_fill_once(store: WooCommerceStore) -> None:
    store.sql("create database second; grant all on second.* to store@'%'")
    half = "set -e; export MARIADB_DATABASE=second; timeout -s KILL 0.15 $BOOT || true; $BOOT & $BOOT; wait; $BOOT"
    boot = "php8.4 /srv/storewright/boot.php"
    done = store.attempt(
        "kubectl", "exec", f"deployment/{NAME}", "-c", "php", "--", "sh", "-c", f"BOOT='{boot}'; {half}"
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("database filled") == 1
    assert done.stderr.count("database kept") == 2
    assert store.sql("show tables in second") == store.sql("show tables")
    store.sql("drop database second")


def test_start_refuses_a_foreign_database_and_leaves_it_unchanged(store: WooCommerceStore) -> None:
    store.sql("create database third; grant all on third.* to store@'%'; create table third.wp_options (a int)")
    boot = "MARIADB_DATABASE=third exec php8.4 /srv/storewright/boot.php"
    done = store.attempt("kubectl", "exec", f"deployment/{NAME}", "-c", "php", "--", "sh", "-c", boot)
    assert done.returncode != 0
    assert "give it an empty database" in done.stderr
    assert store.sql("show tables in third") == ["wp_options"]
    store.sql("drop database third")


def test_upgrade_migrates_the_database_and_may_change_the_host(store: WooCommerceStore) -> None:
    before = store.orders() if has_plugin() else []
    store.sql("update wp_options set option_value = '58975' where option_name = 'db_version'")  # of WordPress 6.7
    moved = f"http://moved.localhost:{store.cluster.ingress_port}"
    _upgrade(store, host="moved.localhost", url=moved)
    assert "the database is at WordPress" in store.kubectl("logs", f"job/{NAME}-migration")
    assert store.sql("select option_value from wp_options where option_name = 'db_version'") != ["58975"]
    page = until("the store answers at its new address", lambda: _page_at(store, "moved.localhost"))
    assert moved in page
    assert store.url not in page
    _upgrade(store)
    until("the store answers at its old address", store.answers)
    assert moved not in store.request("/").text
    if has_plugin():
        assert store.orders() == before


def test_failed_migration_logs_its_cause_and_changes_nothing(store: WooCommerceStore) -> None:
    before = store.get_object("deployment", NAME)["spec"]
    store.sql("alter user store@'%' account lock")
    try:
        done = store.helm("upgrade", store={"displayName": "Another"})
        assert done.returncode != 0
        assert f"{NAME}-migration" in done.stderr
        assert "Access denied" in store.kubectl("logs", f"job/{NAME}-migration").splitlines()[-1]
    finally:
        store.sql("alter user store@'%' account unlock")
    assert store.get_object("deployment", NAME)["spec"] == before
    until("the store answers", store.answers)
    _upgrade(store)


def test_migration_that_the_database_refuses_changes_nothing_and_can_be_repeated(
    store: WooCommerceStore,
) -> None:
    old = store.pod("application")["metadata"]["uid"]
    version = "select option_value from wp_options where option_name = 'db_version'"
    store.sql("update wp_options set option_value = '58975' where option_name = 'db_version'")
    store.sql("alter table wp_users drop column user_status; revoke alter on store.* from store@'%'")
    try:
        assert store.helm("upgrade", store={"displayName": "Another"}).returncode != 0
        assert "the database refused a change: ALTER" in store.kubectl("logs", f"job/{NAME}-migration")
    finally:
        store.sql("grant alter on store.* to store@'%'")
    assert store.sql(version) == ["58975"]
    assert store.pod("application")["metadata"]["uid"] == old
    _upgrade(store)
    assert store.sql(version) != ["58975"]
    assert "user_status" in "".join(store.sql("describe wp_users"))


def _upgrade(store: WooCommerceStore, **changes: str) -> None:
    done = store.helm("upgrade", store={"displayName": DISPLAY_NAME, **changes})
    assert done.returncode == 0, done.stderr
    store.kubectl("rollout", "status", f"deployment/{NAME}", "--timeout=90s")


def _page_at(store: WooCommerceStore, host: str) -> str:
    try:
        answer = store.cluster.get(host)
    except httpx.HTTPError:
        return ""
    return answer.text if answer.status_code == 200 else ""


def test_start_fails_when_image_and_chart_disagree_about_the_plugin(store: WooCommerceStore) -> None:
    other = "false" if has_plugin() else "true"
    boot = f"WOOCOMMERCE={other} php8.4 /srv/storewright/boot.php"
    done = store.attempt("kubectl", "exec", f"deployment/{NAME}", "-c", "php", "--", "sh", "-c", boot)
    assert done.returncode != 0
    assert "set image.woocommerce to" in done.stderr


def test_deleting_the_namespace_leaves_no_volume(store: WooCommerceStore) -> None:
    assert len(store.volumes()) == 2
    store.kubectl("delete", "namespace", store.namespace, "--timeout=90s")
    until("its volumes are gone", lambda: not store.volumes())
