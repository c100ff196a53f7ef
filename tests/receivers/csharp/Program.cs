// Run with: dotnet run
using System.Text.Json;

var arrived = new SemaphoreSlim(1);
_ = Task.Run(async () =>
{
    while (true)
    {
        await arrived.WaitAsync(TimeSpan.FromSeconds(5));
        Inbox.Work(Handle);
    }
});

var app = WebApplication.CreateSlimBuilder(args).Build();
app.MapPost("/webhooks", async (HttpRequest request) =>
{
    using var body = new MemoryStream();
    await request.Body.CopyToAsync(body);
    var headers = request.Headers;
    var id = headers["webhook-id"].ToString();
    if (!Inbox.Verified(id, headers["webhook-timestamp"].ToString(),
            headers["webhook-signature"].ToString(), body.ToArray()))
        return Results.StatusCode(401);
    Inbox.Store(id, body.ToArray());
    arrived.Release();
    return Results.StatusCode(204);
});
app.Run($"http://127.0.0.1:{Environment.GetEnvironmentVariable("PORT") ?? "9000"}");

// Your own work; after a crash it may be done again for the same event.
static void Handle(string body)
{
    using var json = JsonDocument.Parse(body);
    var video = json.RootElement.GetProperty("data");
    var id = video.GetProperty("id").GetString();
    var type = json.RootElement.GetProperty("type").GetString();
    switch (type)
    {
        case "video.completed":
            var watch = json.RootElement.GetProperty("watch");
            Console.WriteLine($"{id} is ready: {watch.GetProperty("content_url").GetString()}");
            break;
        case "video.failed":
            Console.WriteLine($"{id} failed: {video.GetProperty("error")}");
            break;
        case "video.cancelled" or "video.lost" or "video.timed_out":
            Console.WriteLine($"{id} has no video: {type}");
            break;
    } // else a type that you do not need, or a later one
}
