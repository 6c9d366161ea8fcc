<?php
/** Replaces a store's former address in its whole database, also inside serialized PHP values, whose lengths it corrects. */

declare(strict_types=1);

final class Rewriting
{
    /** @var array<string, string> a regular expression => its replacement */
    private readonly array $replacements;
    private readonly string $host;

    public function __construct(string $former, string $address)
    {
        [$from, $to] = array_map(self::parts(...), [$former, $address]);
        // JSON escapes slashes and line ends. A host is none in the middle of another name, such as a.example in my-a.example.
        $whole = static fn (string $text): string =>
            '~(?:(?<![a-z0-9.-])|(?<=\\\\[bfnrt]))' . str_replace('/', '\\\\?/', preg_quote($text, '~')) . '(?![a-z0-9-])~i';
        $this->host = $from['host'];
        $this->replacements = [
            $whole("{$from['scheme']}://{$from['place']}") => "{$to['scheme']}://{$to['place']}",
            $whole($from['place']) => $to['place'],
            $whole(str_replace(':', '', $from['place'])) => str_replace(':', '', $to['place']), // as e-mail addresses of WooCommerce
            $whole($from['host']) => $to['host'],
        ];
    }

    /** @return array{scheme: string, host: string, place: string} place is the host with its port, if there is one */
    private static function parts(string $address): array
    {
        ['scheme' => $scheme, 'host' => $host] = $parts = parse_url($address);
        return ['scheme' => $scheme, 'host' => $host, 'place' => $host . (isset($parts['port']) ? ":{$parts['port']}" : '')];
    }

    public function text(string $text): string
    {
        if (stripos($text, $this->host) === false) {
            return $text;
        }
        if (@unserialize($text, ['allowed_classes' => false]) !== false) {
            return $this->serialized($text);
        }
        return preg_replace(array_keys($this->replacements), array_values($this->replacements), $text);
    }

    /**
     * Walks from string to string by their lengths, as in s:5:"hello"; and O:8:"stdClass". So it finds no mark inside of a string,
     * and needs none of the classes.
     */
    private function serialized(string $text): string
    {
        $done = '';
        for ($at = 0; preg_match('/([sOCE]):(\d+):"/', $text, $found, PREG_OFFSET_CAPTURE, $at);) {
            [[$mark, $start], [$kind], [$length]] = $found;
            $content = substr($text, $start + strlen($mark), (int) $length);
            $fresh = $kind === 's' ? $this->text($content) : $content;
            $done .= substr($text, $at, $start - $at) . "$kind:" . strlen($fresh) . ":\"$fresh";
            $at = $start + strlen($mark) + (int) $length;
        }
        $done .= substr($text, $at);
        return @unserialize($done, ['allowed_classes' => false]) === false ? $text : $done; // a class may have a format of its own
    }

    /** Rewrites all texts of all tables. */
    public function database(mysqli $database): void
    {
        $texts = $database->query(
            "SELECT table_name, column_name FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
             WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND generation_expression IS NULL
               AND (data_type LIKE '%text' OR data_type IN ('char', 'varchar'))",
        )->fetch_all();
        foreach ($texts as [$table, $column]) {
            $this->column($database, $table, $column);
        }
    }

    /** Rewrites each value that contains the host, wherever it is in the table. */
    private function column(mysqli $database, string $table, string $column): void
    {
        $like = '%' . addcslashes($this->host, '%_\\') . '%';
        $values = $database->execute_query("SELECT DISTINCT BINARY `$column` FROM `$table` WHERE `$column` LIKE ?", [$like]);
        foreach ($values->fetch_all() as [$value]) {
            $fresh = $this->text($value);
            if ($fresh !== $value) {
                $database->execute_query("UPDATE `$table` SET `$column` = ? WHERE BINARY `$column` = ?", [$fresh, $value]);
            }
        }
    }
}
