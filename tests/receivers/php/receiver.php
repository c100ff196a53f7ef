<?php
// The web server runs this file for POST /webhooks, such as: php -S 127.0.0.1:9000 receiver.php
// A second process works on what it stored: php receiver.php work
// $WEBHOOK_SECRETS has the secret, or two separated by a space while one replaces the other.
// $INBOX is the folder of events, one file each; an empty file has been worked on.
declare(strict_types=1);

const TOLERANCE = 5 * 60;
define('INBOX', getenv('INBOX') ?: __DIR__ . '/inbox');

function verified(string $id, string $timestamp, string $signatures, string $body): bool
{
    if (!preg_match('/^[\w-]{1,100}$/D', $id) || !preg_match('/^[0-9]{1,12}$/D', $timestamp)) {
        return false;
    }
    if (abs(time() - (int) $timestamp) > TOLERANCE) {
        return false;
    }
    foreach (explode(' ', getenv('WEBHOOK_SECRETS')) as $secret) {
        $key = base64_decode(preg_replace('/^whsec_/', '', $secret));
        $digest = hash_hmac('sha256', "$id.$timestamp.$body", $key, true);
        foreach (explode(' ', $signatures) as $given) {
            if (hash_equals('v1,' . base64_encode($digest), $given)) {
                return true;
            }
        }
    }
    return false;
}

function store(string $id, string $body): bool
{
    $temporary = tempnam(INBOX, 'new');
    $file = fopen($temporary, 'w');
    $written = fwrite($file, $body) === strlen($body) && fsync($file) && fclose($file);
    $path = INBOX . "/$id.json";
    // a link is never made over a file that is there: then this is a repetition
    $stored = $written && (@link($temporary, $path) || file_exists($path));
    unlink($temporary);
    return $stored;
}

// Your own work; after a crash it may be done again for the same event.
function handle(array $event): void
{
    $video = $event['data'];
    switch ($event['type']) {
        case 'video.completed':
            echo "{$video['id']} is ready: {$event['watch']['content_url']}\n";
            break;
        case 'video.failed':
            echo "{$video['id']} failed: ", $video['error']['message'] ?? '', "\n";
            break;
        case 'video.cancelled':
        case 'video.lost':
        case 'video.timed_out':
            echo "{$video['id']} has no video: {$event['type']}\n";
            break;
    } // else a type that you do not need, or a later one
}

function work(): never
{
    while (true) {
        foreach (glob(INBOX . '/*.json') as $path) {
            clearstatcache(true, $path);
            if (filesize($path) === 0) {
                continue;
            }
            try {
                handle(json_decode(file_get_contents($path), true, 512, JSON_THROW_ON_ERROR));
                file_put_contents($path, ''); // its name stays, so that a repetition is known
            } catch (Throwable $error) {
                error_log("$path is tried again: $error");
            }
        }
        sleep(1);
    }
}

if (!is_dir(INBOX)) {
    mkdir(INBOX, 0700, true);
}
if (PHP_SAPI === 'cli') {
    work();
}
$body = file_get_contents('php://input');
$id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
$timestamp = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
if (!verified($id, $timestamp, $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '', $body)) {
    http_response_code(401);
} elseif (!store($id, $body)) {
    http_response_code(500); // it will come again
} else {
    http_response_code(204);
}
